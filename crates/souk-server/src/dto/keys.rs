use serde::{Deserialize, Serialize};
use souk_app::{KeyInfo, NewKey, Places, Role, RotatedKey};
use souk_core::{LocationId, SiteId, Timestamp};
use utoipa::ToSchema;

use crate::dto::common::Faults;
use crate::problem::{Answer, Problem};

/// What to make a key of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKeyBody {
    /// What it may do.
    role: RoleName,
    /// A note for people, at most 200 bytes.
    #[serde(default)]
    label: Option<String>,
    /// Web origins that may use it, for browser roles; empty means any.
    #[serde(default)]
    origins: Option<Vec<String>>,
    /// When it ends; never when left out.
    #[serde(default)]
    expires_at: Option<String>,
    /// Sites that it may be used for, at most 100; empty means all.
    #[serde(default)]
    sites: Option<Vec<String>>,
    /// Locations that it may be used for, at most 100; empty means all.
    #[serde(default)]
    locations: Option<Vec<String>>,
}

/// How to replace a key.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateBody {
    /// Seconds for which the old key goes on working; a week when left out, 0 ends it at once.
    #[serde(default, deserialize_with = "crate::json::whole_number")]
    #[schema(minimum = 0, maximum = 7_776_000)]
    pub(crate) overlap_s: Option<u32>,
}

/// A key that replaces another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RotatedKeyAnswer {
    /// The new key itself: the only time it can be seen.
    pub(crate) key: String,
    /// Its public part.
    pub(crate) id: String,
    pub(crate) role: RoleName,
    /// When the old key ends.
    #[schema(format = DateTime)]
    pub(crate) old_ends_at: String,
}

impl From<RotatedKey> for RotatedKeyAnswer {
    fn from(rotated: RotatedKey) -> RotatedKeyAnswer {
        RotatedKeyAnswer {
            key: rotated.key,
            id: rotated.info.key_id,
            role: rotated.info.role.into(),
            old_ends_at: rotated.old_ends_at.to_string(),
        }
    }
}

names_of! {
    Role:
    /// What a key may do.
    #[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    RoleName {
        IngestBrowser,
        IngestServer,
        StorefrontBrowser,
        StorefrontServer,
        Analyst,
        Merchandiser,
        Planner,
        Privacy,
        Admin,
    }
}

impl NewKeyBody {
    /// Turns the shape into a request, or names every fault.
    pub(crate) fn parse(self) -> Answer<NewKey> {
        let mut faults = Faults::default();
        let expires_at = self.expires_at.as_deref().map(Timestamp::parse).transpose();
        let expires_at = expires_at.unwrap_or_else(|error| {
            faults.add("/expires_at", error.to_string());
            None
        });
        let mut places = Places::default();
        for (idx, id) in self.sites.unwrap_or_default().into_iter().enumerate() {
            places.sites.extend(faults.id(&format!("/sites/{idx}"), id, SiteId::new));
        }
        for (idx, id) in self.locations.unwrap_or_default().into_iter().enumerate() {
            places.locations.extend(faults.id(&format!("/locations/{idx}"), id, LocationId::new));
        }
        if !faults.found.is_empty() {
            return Err(Problem::invalid(faults.found));
        }
        Ok(NewKey {
            places,
            role: self.role.into(),
            label: self.label.unwrap_or_default(),
            origins: self.origins.unwrap_or_default(),
            expires_at,
        })
    }
}

/// A key as it is listed: never the secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyAnswer {
    /// The public part; names the key in `DELETE /v1/keys/{id}`.
    pub(crate) id: String,
    pub(crate) role: RoleName,
    pub(crate) label: String,
    pub(crate) origins: Vec<String>,
    /// Sites that it may be used for; empty means all.
    pub(crate) sites: Vec<String>,
    /// Locations that it may be used for; empty means all.
    pub(crate) locations: Vec<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
    /// When it ends; `null` is never.
    #[schema(format = DateTime, required)]
    pub(crate) expires_at: Option<String>,
    /// The key that replaced it; it works until `expires_at`.
    #[schema(required)]
    pub(crate) replaced_by: Option<String>,
}

impl From<KeyInfo> for KeyAnswer {
    fn from(info: KeyInfo) -> KeyAnswer {
        KeyAnswer {
            id: info.key_id,
            role: info.role.into(),
            label: info.label,
            origins: info.origins,
            sites: info.places.sites.iter().map(ToString::to_string).collect(),
            locations: info.places.locations.iter().map(ToString::to_string).collect(),
            created_at: info.created_at.to_string(),
            expires_at: info.expires_at.map(|at| at.to_string()),
            replaced_by: info.replaced_by,
        }
    }
}

/// All keys.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyList {
    /// Oldest first.
    pub(crate) keys: Vec<KeyAnswer>,
}

/// A new key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewKeyAnswer {
    /// The key itself: the only time it can be seen.
    pub(crate) key: String,
    /// The public part; names the key in `DELETE /v1/keys/{id}`.
    pub(crate) id: String,
    pub(crate) role: RoleName,
}
