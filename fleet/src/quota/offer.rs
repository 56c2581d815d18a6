//! The quota of a kiosk as it is sent.

use std::collections::BTreeMap;

use deadpool_postgres::Transaction;
use protocol::fleet::{Allowance, Beyond, Quota};
use protocol::text::Id;
use protocol::topic::{Down, KioskId, Topic};
use rumqttc::PublishOptions;
use rumqttc::mqttbytes::QoS;
use tokio_postgres::Row;

use crate::database::{DatabaseError, Trying};

/// The columns of `quota q` that [`Offer::of`] reads.
pub(crate) const COLUMNS: &str = "q.kiosk, q.epoch, q.rev, q.lease_s, q.answers";

/// A quota and whose it is.
#[derive(Debug)]
pub(crate) struct Offer {
    pub kiosk: String,
    pub quota: Quota,
}

impl Offer {
    fn of(row: &Row) -> Self {
        let quota = Quota {
            rev: row.get::<_, i64>(2).cast_unsigned(),
            epoch: row.get::<_, i64>(1).cast_unsigned(),
            lease_s: row.get::<_, i32>(3).unsigned_abs(),
            answers: row.get::<_, Option<uuid::Uuid>>(4).map(|id| Id::from(id.into_bytes())),
            goods: BTreeMap::new(),
        };
        Self { kiosk: row.get(0), quota }
    }

    /// What is published.
    pub(crate) fn message(&self, id: KioskId) -> (String, Vec<u8>, PublishOptions) {
        message(id, &self.quota)
    }
}

/// Topic, payload and options of a quota. The broker keeps the latest for a kiosk that comes later.
pub(crate) fn message(kiosk: KioskId, quota: &Quota) -> (String, Vec<u8>, PublishOptions) {
    let payload = serde_json::to_vec(quota).unwrap_or_default();
    (Topic::Down(kiosk, Down::Quota).to_string(), payload, PublishOptions::new(QoS::AtLeastOnce).retained())
}

/// The quotas of these rows of [`COLUMNS`], locked by the caller: what they offer cannot change meanwhile.
pub(crate) async fn offers(transaction: &Transaction<'_>, rows: &[Row]) -> Result<Vec<Offer>, DatabaseError> {
    let mut offers: BTreeMap<String, Offer> =
        rows.iter().map(Offer::of).map(|offer| (offer.kiosk.clone(), offer)).collect();
    let kiosks: Vec<&str> = offers.keys().map(String::as_str).collect();
    let sql =
        "SELECT a.kiosk, a.variation, a.offered, a.beyond FROM allowance a JOIN quota q ON q.kiosk = a.kiosk
               WHERE a.kiosk = ANY ($1) AND a.epoch = q.epoch";
    let goods = transaction.query(sql, &[&kiosks]).await.trying("load quotas")?;
    for row in goods {
        if let Some(offer) = offers.get_mut(row.get::<_, &str>(0)) {
            let allowance = Allowance { upto: row.get(2), beyond: beyond(row.get(3)) };
            offer.quota.goods.insert(row.get(1), allowance);
        }
    }
    Ok(offers.into_values().collect())
}

/// The word of ours that was stored.
fn beyond(text: &str) -> Beyond {
    serde_json::from_value(text.into()).unwrap_or(Beyond::AllowThenDeny)
}
