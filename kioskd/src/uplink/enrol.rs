//! Becoming a member of a fleet, and staying one.
//!
//! ```text
//! POST /v1/enroll             {"code","csr","serial","version"}
//!   → {"kiosk","certificate","chain","broker","tenant","site","campaign_keys"}
//! POST /v1/kiosk/certificate  {"csr"}          with our certificate
//!   → {"certificate","chain"}
//! ```
//! The key is made here and never leaves. The name counts from the moment `identity.json` is in its place; the
//! store takes it over then, or at the next start if the power fails in between.

use anyhow::Context as _;
use protocol::topic::KioskId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::driver::{Driver, on_core};
use super::http::Http;
use super::identity::Identity;
use crate::core::Anew;

/// What the fleet gives to a kiosk that it takes in.
#[derive(Deserialize)]
pub(super) struct Enrolled {
    kiosk: KioskId,
    certificate: String,
    #[serde(default)]
    chain: Value,
    broker: String,
    #[serde(default)]
    tenant: Value,
    #[serde(default)]
    site: Value,
    #[serde(default)]
    campaign_keys: Vec<String>,
}

#[derive(Deserialize)]
struct Renewed {
    certificate: String,
    #[serde(default)]
    chain: Value,
}

/// Enrols with a one-time code.
pub(super) async fn enrol(driver: &Driver, code: &str) -> anyhow::Result<Identity> {
    let http =
        Http { fleet: driver.settings.fleet.clone(), tls: driver.folder.anonymous_tls(&driver.settings.ca)? };
    let body = json!({
        "code": code.trim(),
        "csr": driver.folder.request()?,
        "serial": driver.serial,
        "version": env!("CARGO_PKG_VERSION"),
    });
    let answer = http.post("/v1/enroll", &body).await?;
    join(driver, serde_json::from_value(answer).context("the fleet's answer cannot be read")?).await
}

/// Takes the name and the certificate that the fleet gives. May be done again with the same answer.
pub(super) async fn join(driver: &Driver, enrolled: Enrolled) -> anyhow::Result<Identity> {
    super::http::host_and_port(&enrolled.broker, 8883)?;
    let before = driver.folder.identity()?;
    let mut formerly = before.as_ref().map(|it| it.formerly.clone()).unwrap_or_default();
    formerly.extend(before.map(|it| it.kiosk.to_string()));
    formerly.push(driver.provisional.clone());
    formerly.retain(|name| *name != enrolled.kiosk.as_str());
    driver.folder.keep_certificate(&enrolled.certificate, &text(&enrolled.chain))?;
    let (enrolled_s, _) = driver.folder.validity()?;
    let identity = Identity {
        enrolled_s,
        campaign_keys: enrolled.campaign_keys,
        kiosk: enrolled.kiosk,
        broker: enrolled.broker,
        tenant: text(&enrolled.tenant),
        site: text(&enrolled.site),
        formerly,
    };
    driver.folder.keep_identity(&identity)?;
    driver.folder.forget_claim();
    let name = identity.kiosk.to_string();
    on_core(&driver.core, move |core| {
        core.begin_anew(Anew::Named(name));
        Ok(())
    })
    .await?;
    tracing::info!(kiosk = %identity.kiosk, broker = %identity.broker, "enrolled");
    Ok(identity)
}

/// Renews the certificate when two thirds of its life are over; tells whether there is a new one.
pub(super) async fn renew_if_due(driver: &Driver) -> bool {
    match renew(driver).await {
        Ok(renewed) => renewed,
        Err(error) => {
            tracing::warn!("the certificate cannot be renewed: {error:#}");
            false
        }
    }
}

async fn renew(driver: &Driver) -> anyhow::Result<bool> {
    let (begins, ends) = driver.folder.validity()?;
    let due = begins.saturating_add((ends - begins) / 3 * 2);
    if driver.folder.clock(&driver.settings.ca)?.now_s().cast_signed() < due {
        return Ok(false);
    }
    let http = Http { fleet: driver.settings.fleet.clone(), tls: driver.folder.tls(&driver.settings.ca)? };
    let body = json!({ "csr": driver.folder.request()? });
    let renewed: Renewed = serde_json::from_value(http.post("/v1/kiosk/certificate", &body).await?)
        .context("the fleet's answer cannot be read")?;
    driver.folder.keep_certificate(&renewed.certificate, &text(&renewed.chain))?;
    tracing::info!("the certificate was renewed");
    Ok(true)
}

/// A text, several texts, or what stands in their place.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(texts) => texts.iter().map(text).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}
