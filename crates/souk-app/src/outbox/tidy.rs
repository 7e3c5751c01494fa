//! Removes what nobody needs any more, and gets out of the way what nobody can read.

use std::sync::Weak;
use std::time::Duration;

use souk_ports::{Condition, Row, WRITES_MAX, Write, WriteChange};

use super::deliver::Settled;
use super::rows::{
    DEAD, Delivery, HOLDS, Pages, UNREADABLE, WAITING, WAITING_BEFORE, names_of, remove, set_aside,
    set_aside_at,
};
use crate::audit::HEAD_MESSAGE;
use crate::{App, AppError, AuditOperation, Outcome};

/// How often it is done.
const PAUSE: Duration = Duration::from_secs(3_600);

pub(super) async fn keep_tidy(app: Weak<App>) {
    let mut pause = Duration::ZERO;
    loop {
        tokio::time::sleep(pause).await;
        let Some(app) = app.upgrade() else { return };
        pause = PAUSE;
        if let Err(error) = app.tidy_outbox().await {
            tracing::warn!(%error, "old webhooks could not be removed");
        }
    }
}

impl App {
    /// Removes what was given up long ago, gives up what has no endpoint any more, moves what earlier
    /// versions wrote, and destroys ids that nobody needs.
    pub(super) async fn tidy_outbox(&self) -> Result<(), AppError> {
        // Dead ones first: they must hold their ids before the delivery of a sibling looks for holds.
        self.tidy_dead().await?;
        self.adopt_waiting().await?;
        self.bury_homeless().await?;
        self.drop_unreadable().await?;
        self.release_all_ids().await?;
        self.recount_outbox().await?;
        self.door.outbox.wake();
        Ok(())
    }

    async fn tidy_dead(&self) -> Result<(), AppError> {
        let mut pages = Pages::of(&self.parts, DEAD);
        while let Some(page) = pages.next().await? {
            for row in page {
                let Some(delivery) = Delivery::read(DEAD, &row) else {
                    self.set_aside(DEAD, &row).await?;
                    continue;
                };
                if !self.is_past_keeping(delivery.next_at) {
                    // Versions before the holds wrote none.
                    self.write_missing(delivery.hold()).await?;
                } else if self.settle(&delivery.forget()).await? == Settled::Done {
                    self.note_dropped(&delivery).await?;
                }
            }
        }
        Ok(())
    }

    async fn write_missing(&self, hold: Option<Write>) -> Result<(), AppError> {
        let Some(hold) = hold else { return Ok(()) };
        let now = super::hook_now();
        if self.parts.tables.get(HOLDS, &hold.sort_key, now).await?.is_none() {
            self.parts.tables.write(&[hold], now).await?;
        }
        Ok(())
    }

    /// A message that nobody will send any more is on record.
    async fn note_dropped(&self, delivery: &Delivery) -> Result<(), AppError> {
        tracing::error!(
            message_id = delivery.message_id,
            endpoint = delivery.endpoint,
            what = delivery.what,
            "a webhook that was given up is dropped after `privacy.webhooks.kept_days`"
        );
        if delivery.what == HEAD_MESSAGE {
            return Ok(());
        }
        self.note_delivery(AuditOperation::WebhookDrop, delivery, Outcome::Failed).await
    }

    /// Moves messages of earlier versions to where they are looked for.
    async fn adopt_waiting(&self) -> Result<(), AppError> {
        let mut pages = Pages::of(&self.parts, WAITING_BEFORE);
        while let Some(page) = pages.next().await? {
            for row in page {
                match Delivery::read(WAITING_BEFORE, &row) {
                    Some(delivery) => drop(self.settle(&delivery.adopt()).await?),
                    None => self.set_aside(WAITING_BEFORE, &row).await?,
                }
            }
        }
        Ok(())
    }

    /// Gives up what waits for an endpoint that left the settings.
    async fn bury_homeless(&self) -> Result<(), AppError> {
        // A command that was given other settings must not give up what the server would deliver.
        if self.door.outbox.sender.get().is_none() {
            return Ok(());
        }
        let mut pages = Pages::of(&self.parts, WAITING);
        while let Some(page) = pages.next().await? {
            for row in page {
                let name = names_of(WAITING, &row.sort_key).map_or("", |(_, endpoint)| endpoint);
                if self.door.outbox.endpoints.iter().any(|endpoint| endpoint.name == name) {
                    continue;
                }
                let why = "no endpoint has this name in `privacy.webhooks.endpoints`";
                match Delivery::read(WAITING, &row) {
                    Some(delivery) => drop(self.bury(delivery, why.to_owned()).await?),
                    None => self.set_aside(WAITING, &row).await?,
                }
            }
        }
        Ok(())
    }

    /// Moves a row that cannot be read out of the way of all others. Its ids stay as long as it does.
    pub(super) async fn set_aside(&self, partition: &str, row: &Row) -> Result<(), AppError> {
        tracing::error!(
            partition,
            row = row.sort_key,
            "a webhook cannot be read and is set aside; its receiver will not hear of it"
        );
        self.settle(&set_aside(partition, row)).await.map(drop)
    }

    /// Drops what was set aside long ago, with what it held.
    async fn drop_unreadable(&self) -> Result<(), AppError> {
        let mut pages = Pages::of(&self.parts, UNREADABLE);
        while let Some(page) = pages.next().await? {
            for row in page.iter().filter(|row| self.is_past_keeping(set_aside_at(row))) {
                let (message, endpoint) = names_of(UNREADABLE, &row.sort_key).unwrap_or_default();
                tracing::error!(row = row.sort_key, "a webhook that was set aside is dropped");
                self.drop_holds(&format!("/{message}/{endpoint}")).await?;
                self.settle(&[remove(UNREADABLE, row)]).await?;
            }
        }
        Ok(())
    }

    /// Whose ids a row held that cannot be read is known from its hold alone.
    async fn drop_holds(&self, suffix: &str) -> Result<(), AppError> {
        let mut pages = Pages::of(&self.parts, HOLDS);
        while let Some(page) = pages.next().await? {
            let held: Vec<Write> = page
                .into_iter()
                .filter(|row| row.sort_key.ends_with(suffix))
                .map(|row| Write {
                    partition_key: HOLDS.to_owned(),
                    sort_key: row.sort_key,
                    condition: Condition::Any,
                    change: WriteChange::Delete,
                })
                .collect();
            for writes in held.chunks(WRITES_MAX) {
                self.parts.tables.write(writes, super::hook_now()).await?;
            }
        }
        Ok(())
    }
}
