//! One event of a request: from JSON to [`IncomingEvent`].

use std::borrow::Cow;

use serde_json::value::RawValue;
use souk_core::{Channel, LegalBasis, Purposes, Site, SiteId, Source, Timestamp};

use super::commerce::{TrackKind, json_object, read_track};
use super::crawlers::Agents;
use super::envelope::{Context, Envelope};
use super::incoming::{IncomingConsent, IncomingEvent, IncomingFact, IncomingIds, Sender};
use super::props::{Place, Props};
use super::refusal::{Refusal, RejectReason};
use super::scalar::Scalar;
use super::times::{ClientTimes, happened_at, read_time};
use super::{EVENT_BYTES_MAX, IngestCall};
use crate::consent::{ConsentRules, preferences};
use crate::{Caller, Operation, Role};

/// Bytes of names, titles and paths.
const NAME_BYTES_MAX: usize = 1_000;

/// What holds for every event of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'s> {
    pub(super) call: IngestCall,
    pub(super) caller: &'s Caller,
    pub(super) sites: &'s [Site],
    pub(super) received: Timestamp,
    /// `sentAt` of the batch.
    pub(super) sent_at: &'s Scalar<'s>,
    /// `context` of the batch.
    pub(super) context: &'s Context<'s>,
    pub(super) rules: &'s ConsentRules,
    /// Whether the request carried `Sec-GPC: 1`.
    pub(super) is_gpc: bool,
    pub(super) basis: Option<LegalBasis>,
    pub(super) agents: &'s Agents<'s>,
}

/// An event, and how many of its keys mean nothing.
pub(super) type Parsed<'a> = (IncomingEvent<'a>, u64);

impl<'s> Scene<'s> {
    /// Reads one event.
    pub(super) fn read<'a>(&self, raw: &'a RawValue) -> Result<Parsed<'a>, Refusal> {
        let text = raw.get();
        if text.len() > EVENT_BYTES_MAX {
            return Err(Refusal {
                reason: RejectReason::TooLarge,
                detail: format!(
                    "the event has {} bytes; the limit is {EVENT_BYTES_MAX}; send less in one event",
                    text.len()
                ),
            });
        }
        if !text.starts_with('{') {
            return Err(Refusal::malformed("an event must be an object"));
        }
        let mut envelope: Envelope<'a> = serde_json::from_str(text).map_err(|error| {
            Refusal::malformed(format!("the event cannot be read: {error}; correct it"))
        })?;
        if let Some(key) = envelope.twice {
            return Err(Refusal::malformed(format!("{key} is there twice; send it once")));
        }
        if let Some(found) = envelope.context.wrong {
            return Err(Refusal::malformed(format!("context is {found}; must be an object")));
        }
        let site = self.site(&envelope.context)?;
        let mut ids = IncomingIds {
            user_id: std::mem::take(&mut envelope.user_id).id(&"userId")?,
            anonymous_id: std::mem::take(&mut envelope.anonymous_id).id(&"anonymousId")?,
            loyalty_card_id: None,
        };
        let message_id = std::mem::take(&mut envelope.message_id).id(&"messageId")?;
        let at = self.at(&envelope)?;
        let kind = self.kind(&mut envelope)?;
        self.check_role(&kind)?;
        let unknown_keys = envelope.unknown_keys;
        let (channel, source) = (self.channel(&envelope, &kind)?, self.source(&envelope)?);
        let fact = self.fact(kind, &mut envelope, (&mut ids, site))?;
        if self.caller.role.is_browser() {
            // Anybody can type the number of a card, so a page names nobody by one.
            ids.loyalty_card_id = None;
        }
        if fact.needs_person() && ids.is_empty() {
            return Err(Refusal::malformed(
                "userId and anonymousId are both missing; send one of them",
            ));
        }
        if matches!(fact, IncomingFact::Alias { .. }) && ids.user_id.is_none() {
            return Err(Refusal::malformed("userId is missing; an alias needs the new id"));
        }
        self.check_place(&site.id, &fact)?;
        let site = site.id.clone();
        let consent = self.consent(&envelope.context);
        let event = IncomingEvent { message_id, ids, site, channel, source, at, consent, fact };
        Ok((event, unknown_keys))
    }

    /// A key that is bound to places reports from these alone.
    fn check_place(&self, site: &SiteId, fact: &IncomingFact<'_>) -> Result<(), Refusal> {
        let caller = self.caller;
        let is_at_home = match fact {
            IncomingFact::Order(order) => caller.may_report_at(order.location.as_ref()),
            // A move ends where it ends; it is told by where it begins.
            IncomingFact::Stock(change) => caller.may_report_at(Some(&change.location)),
            _ => true,
        };
        if is_at_home && caller.check_site(site).is_ok() {
            return Ok(());
        }
        let detail = "the key is bound to other sites or locations; name one of its own, or use \
                      another key"
            .to_owned();
        Err(Refusal { reason: RejectReason::Denied, detail })
    }

    fn at(&self, envelope: &Envelope<'_>) -> Result<Timestamp, Refusal> {
        let sent = match &envelope.sent_at {
            Scalar::Absent => read_time(self.sent_at, "sentAt of the batch")?,
            own => read_time(own, "sentAt")?,
        };
        let times = ClientTimes {
            timestamp: read_time(&envelope.timestamp, "timestamp")?,
            original: read_time(&envelope.original_timestamp, "originalTimestamp")?,
            sent,
        };
        happened_at(times, self.received)
    }

    fn site(&self, context: &Context<'_>) -> Result<&'s Site, Refusal> {
        let named = first(&context.site, &self.context.site);
        let Some(id) = named.clone().id(&"context.site")? else { return Ok(&self.sites[0]) };
        self.sites.iter().find(|site| site.id.as_str() == id).ok_or_else(|| {
            Refusal::malformed(format!(
                "context.site \"{id}\" is not a site of this shop; add it to `sites` in souk.yaml, \
                 or leave it out"
            ))
        })
    }

    /// What the event's banner, or that of the batch, and the browser's signal say.
    fn consent(&self, context: &Context<'_>) -> IncomingConsent {
        let banner = context.consent.or(self.context.consent);
        let (granted, denied) =
            banner.map_or((Purposes::NONE, Purposes::NONE), |text| preferences(text, self.rules));
        let signal = self.is_gpc.then(|| self.rules.gpc());
        let sender = self.sender(context);
        IncomingConsent { granted, denied, signal, basis: self.basis, sender }
    }

    /// Whether the agent that sent the event gives itself the name of a crawler.
    fn sender(&self, context: &Context<'_>) -> Sender {
        match first(&context.user_agent, &self.context.user_agent) {
            Scalar::Text(agent) => self.agents.sender(agent),
            _ => Sender::Shopper,
        }
    }

    /// What the event is, by its route or its `type`.
    fn kind<'a>(&self, envelope: &mut Envelope<'a>) -> Result<EventKind<'a>, Refusal> {
        let call = match self.call {
            IngestCall::Batch => match std::mem::take(&mut envelope.kind).text(&"type", 64)? {
                Some(name) => IngestCall::parse(&name).ok_or_else(|| {
                    Refusal::malformed(format!(
                        "type is \"{name}\"; must be track, identify, page, screen, group or alias"
                    ))
                })?,
                None => {
                    return Err(Refusal::malformed(
                        "type is missing; must be track, identify, page, screen, group or alias",
                    ));
                }
            },
            call => call,
        };
        Ok(match call {
            IngestCall::Track => {
                let name = std::mem::take(&mut envelope.event).text(&"event", NAME_BYTES_MAX)?;
                let missing = || Refusal::malformed("event is missing; send the event's name");
                EventKind::Track(name.ok_or_else(missing)?)
            }
            IngestCall::Identify => EventKind::Identify,
            IngestCall::Page => EventKind::Page,
            IngestCall::Screen => EventKind::Screen,
            IngestCall::Group => EventKind::Group,
            IngestCall::Alias | IngestCall::Batch => EventKind::Alias,
        })
    }

    fn check_role(&self, kind: &EventKind<'_>) -> Result<(), Refusal> {
        let operation = kind.operation();
        if self.caller.may(operation) {
            return Ok(());
        }
        let role = self.caller.role.as_str();
        let what = operation.as_str();
        let detail = match kind {
            EventKind::Track(name) => {
                format!("event \"{name}\": role `{role}` may not {what}; use another key")
            }
            _ => format!("role `{role}` may not {what}; use another key"),
        };
        Err(Refusal { reason: RejectReason::Denied, detail })
    }

    fn channel(
        &self,
        envelope: &Envelope<'_>,
        kind: &EventKind<'_>,
    ) -> Result<Option<Channel>, Refusal> {
        let named = first(&envelope.context.channel, &self.context.channel);
        if let Some(name) = named.clone().text(&"context.channel", 64)? {
            // Words that Segment's and RudderStack's clients use.
            return match &*name {
                "browser" => Ok(Some(Channel::Web)),
                "app" => Ok(Some(Channel::Mobile)),
                "server" => Ok(kind.default_channel()),
                name => Channel::parse(name).map(Some).ok_or_else(|| {
                    Refusal::malformed(format!(
                        "context.channel is \"{name}\"; must be web, mobile, store, email or \
                         call_center"
                    ))
                }),
            };
        }
        Ok(kind.default_channel())
    }

    /// A browser cannot pass for the ledger, whatever it says.
    fn source(&self, envelope: &Envelope<'_>) -> Result<Source, Refusal> {
        if self.caller.role == Role::IngestBrowser {
            return Ok(Source::Browser);
        }
        let named = first(&envelope.context.source, &self.context.source);
        let Some(name) = named.clone().text(&"context.source", 64)? else {
            return Ok(Source::Server);
        };
        Source::parse(&name).ok_or_else(|| {
            Refusal::malformed(format!(
                "context.source is \"{name}\"; must be browser, server, pos or erp"
            ))
        })
    }

    fn fact<'a>(
        &self,
        kind: EventKind<'a>,
        envelope: &mut Envelope<'a>,
        (ids, site): (&mut IncomingIds<'a>, &Site),
    ) -> Result<IncomingFact<'a>, Refusal> {
        match kind {
            EventKind::Track(name) => read_track(&name, envelope.properties, ids, site.currency),
            EventKind::Identify => {
                let mut traits = Props::read(envelope.traits, Place::of("traits"))?;
                ids.loyalty_card_id = traits.id("loyalty_card_id")?;
                Ok(IncomingFact::Identified { traits: json_object(envelope.traits, "traits")? })
            }
            EventKind::Page | EventKind::Screen => page(envelope),
            EventKind::Group => {
                let id = std::mem::take(&mut envelope.group_id).id(&"groupId")?;
                let missing = || Refusal::malformed("groupId is missing; send the group's id");
                let group_id = id.ok_or_else(missing)?.into();
                let traits = json_object(envelope.traits, "traits")?;
                Ok(IncomingFact::Grouped { group_id, traits })
            }
            EventKind::Alias => {
                let previous = std::mem::take(&mut envelope.previous_id).id(&"previousId")?;
                let previous = previous.or_else(|| ids.anonymous_id.clone());
                let missing = || Refusal::malformed("previousId is missing; send the former id");
                Ok(IncomingFact::Alias { previous_id: previous.ok_or_else(missing)? })
            }
        }
    }
}

fn page<'a>(envelope: &mut Envelope<'a>) -> Result<IncomingFact<'a>, Refusal> {
    let mut props = Props::read(envelope.properties, Place::of("properties"))?;
    let name = match std::mem::take(&mut envelope.name).text(&"name", NAME_BYTES_MAX)? {
        Some(name) => Some(name),
        None => match props.text("name", NAME_BYTES_MAX)? {
            Some(name) => Some(name),
            None => props.text("title", NAME_BYTES_MAX)?,
        },
    };
    let path = match props.text("path", 8 * NAME_BYTES_MAX)? {
        Some(path) => Some(path),
        None => match props.text("url", 8 * NAME_BYTES_MAX)? {
            Some(url) => Some(url),
            None => std::mem::take(&mut envelope.context.page_path)
                .text(&"context.page.path", 8 * NAME_BYTES_MAX)?,
        },
    };
    let path = path.as_deref().map(path_of).filter(|path| !path.is_empty());
    Ok(IncomingFact::PageSeen { name: name.map(Box::from), path: path.map(Box::from) })
}

/// The path of a URL, without host, query and fragment: those may name people.
fn path_of(url: &str) -> &str {
    let after_scheme = url
        .split_once("://")
        .map_or(url, |(_, rest)| rest.find('/').map_or("/", |slash| &rest[slash..]));
    let end = after_scheme.find(['?', '#']).unwrap_or(after_scheme.len());
    let mut end = end.min(NAME_BYTES_MAX);
    while !after_scheme.is_char_boundary(end) {
        end -= 1;
    }
    &after_scheme[..end]
}

fn first<'x, 'a>(own: &'x Scalar<'a>, of_batch: &'x Scalar<'a>) -> &'x Scalar<'a> {
    if own.is_absent() { of_batch } else { own }
}

/// Which of Segment's calls the event is.
enum EventKind<'a> {
    Track(Cow<'a, str>),
    Identify,
    Page,
    Screen,
    Group,
    Alias,
}

impl EventKind<'_> {
    fn operation(&self) -> Operation {
        match self {
            EventKind::Track(name) => TrackKind::of(name).operation(),
            EventKind::Alias => Operation::MergeIdentities,
            _ => Operation::SendBehaviour,
        }
    }

    /// Where the shopper was if nobody says: facts about the shop have no such place.
    fn default_channel(&self) -> Option<Channel> {
        match self {
            EventKind::Screen => Some(Channel::Mobile),
            EventKind::Track(name) => match TrackKind::of(name).operation() {
                Operation::SendStock | Operation::SendPrices => None,
                _ => Some(Channel::Web),
            },
            _ => Some(Channel::Web),
        }
    }
}
