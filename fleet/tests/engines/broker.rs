//! Who may do what on the broker, seen by mosquitto-clients as foreign kiosks and as a foreign backend.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use fleet::embedded::Embedded;
use fleet::pki::{
    Authorities, KioskCertificate, Revoked, RevokedBecause, check_request, keep_revocation_list,
};
use protocol::topic::KioskId;

use crate::support::{Base, eventually, output};

struct Fleet {
    base: Base,
    embedded: Embedded,
    authorities: Authorities,
}

/// Whose certificate, on which listener.
#[derive(Clone, Copy)]
enum As {
    Kiosk(&'static str),
    Fleetd,
    KioskOnInternal(&'static str),
    FleetdOnKiosks,
}

impl Fleet {
    async fn new() -> Self {
        let base = Base::new();
        let embedded = base.start().await;
        let authorities = Authorities::load(&embedded.engines().ca_dir).unwrap();
        Self { base, embedded, authorities }
    }

    fn ca(&self) -> PathBuf {
        self.embedded.engines().ca_dir.clone()
    }

    fn enrol(&self, id: &str) -> KioskCertificate {
        let dir = self.base.dir.path();
        output(dir, &format!("openssl ecparam -name prime256v1 -genkey -noout -out {id}.key"));
        let request = output(dir, &format!("openssl req -new -key {id}.key -subj /"));
        let request = check_request(&request).unwrap();
        let id = KioskId::new(id).unwrap();
        let certificate = self.authorities.kiosk.sign(&id, &request, SystemTime::now()).unwrap();
        std::fs::write(dir.join(format!("{id}.pem")), &certificate.pem).unwrap();
        certificate
    }

    fn client(&self, tool: &str, who: As, arguments: &[&str]) -> Command {
        let engines = self.embedded.engines();
        let (port, folder, name) = match who {
            As::Kiosk(id) => (engines.broker_kiosks, self.base.dir.path().to_owned(), id),
            As::Fleetd => (engines.broker_internal, self.ca(), "fleetd"),
            As::KioskOnInternal(id) => (engines.broker_internal, self.base.dir.path().to_owned(), id),
            As::FleetdOnKiosks => (engines.broker_kiosks, self.ca(), "fleetd"),
        };
        let mut command = Command::new("timeout");
        command.args(["20", tool, "-V", "5", "-h", "127.0.0.1", "-p", &port.port().to_string()]);
        command.arg("--cafile").arg(self.ca().join("fleet-ca.pem"));
        command.arg("--cert").arg(folder.join(format!("{name}.pem")));
        command.arg("--key").arg(folder.join(format!("{name}.key"))).args(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn publish(&self, who: As, topic: &str, text: &str) -> Output {
        let more: &[&str] = if matches!(who, As::Fleetd) { &["-r"] } else { &[] };
        let arguments = [&["-q", "1", "-t", topic, "-m", text], more].concat();
        self.client("mosquitto_pub", who, &arguments).output().unwrap()
    }

    /// Lists the revoked and tells the broker.
    async fn revoke(&self, certificate: &KioskCertificate) {
        let now = SystemTime::now();
        let revoked = Revoked { serial: certificate.serial, at: now, because: RevokedBecause::KeyCompromise };
        let list = self.authorities.kiosk.revocation_list(&[revoked], 2, now).unwrap();
        keep_revocation_list(&self.ca(), &list).unwrap();
        self.embedded.reload_broker().await;
    }
}

/// It got as far as a PUBACK, whatever that said.
fn connected(output: &Output) -> bool {
    output.status.success()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kiosks_have_their_own_topics_and_lose_them_when_revoked() {
    let fleet = Fleet::new().await;
    let stolen = fleet.enrol("t7.k1");
    fleet.enrol("t7.k2");
    only_own_topics(&fleet).await;
    listeners_trust_one_authority_each(&fleet);
    the_kiosks_authority_cannot_make_a_fleetd(&fleet);
    what_comes_while_a_kiosk_is_away_waits_for_it(&fleet);
    let broker = fleet.embedded.pids().mosquitto;
    revocation(&fleet, &stolen).await;
    a_reload_leaves_rights_and_what_is_retained(&fleet);
    assert_eq!(fleet.embedded.pids().mosquitto, broker, "it died of the reload");
    restart_keeps_out_the_revoked(fleet).await;
}

async fn only_own_topics(fleet: &Fleet) {
    for topic in ["v1/k/t7.k1/dn/tw", "v1/k/t7.k2/dn/tw", "v1/f/halt", "v1/k/fleetd/dn/x"] {
        let published = fleet.publish(As::Fleetd, topic, topic);
        assert!(connected(&published), "{}", said(&published));
    }
    // What was kept is delivered before what comes later: a third topic would be among the first three.
    let mut kiosk =
        fleet.client("mosquitto_sub", As::Kiosk("t7.k1"), &["-t", "#", "-C", "3", "-v"]).spawn().unwrap();
    eventually("the subscriber has three messages", async || {
        fleet.publish(As::Fleetd, "v1/k/t7.k1/dn/ak", "end");
        kiosk.try_wait().unwrap().is_some()
    })
    .await;
    let received = said(&kiosk.wait_with_output().unwrap());
    let mut topics: Vec<_> = received.lines().filter_map(|line| line.split(' ').next()).collect();
    topics.sort_unstable();
    topics.dedup();
    assert_eq!(topics, ["v1/f/halt", "v1/k/t7.k1/dn/ak", "v1/k/t7.k1/dn/tw"], "{received}");

    let mut backend =
        fleet.client("mosquitto_sub", As::Fleetd, &["-t", "v1/k/+/up/#", "-C", "1", "-v"]).spawn().unwrap();
    for foreign in ["v1/k/t7.k2/up/ev", "v1/k/t7.k1/dn/ak", "v1/f/halt", "x"] {
        let refused = said(&fleet.publish(As::Kiosk("t7.k1"), foreign, "evil"));
        assert!(refused.contains("Not authorized"), "{foreign}: {refused}");
    }
    eventually("the backend hears the kiosk", async || {
        assert!(connected(&fleet.publish(As::Kiosk("t7.k1"), "v1/k/t7.k1/up/ev", "sold")));
        backend.try_wait().unwrap().is_some()
    })
    .await;
    assert_eq!(said(&backend.wait_with_output().unwrap()), "v1/k/t7.k1/up/ev sold\n");
}

fn listeners_trust_one_authority_each(fleet: &Fleet) {
    for (who, topic) in
        [(As::FleetdOnKiosks, "v1/k/t7.k1/dn/ak"), (As::KioskOnInternal("t7.k1"), "v1/k/t7.k1/up/ev")]
    {
        let refused = fleet.publish(who, topic, "x");
        assert!(!connected(&refused), "{}", said(&refused));
    }
    let mut nobody = Command::new("mosquitto_pub");
    let port = fleet.embedded.engines().broker_kiosks.port().to_string();
    nobody.args(["-h", "127.0.0.1", "-p", &port, "-t", "x", "-m", "x", "--cafile"]);
    let refused = nobody.arg(fleet.ca().join("fleet-ca.pem")).output().unwrap();
    assert!(!connected(&refused), "{}", said(&refused));
}

/// Whoever has the authority's key, not only our own code that never signs this name.
fn the_kiosks_authority_cannot_make_a_fleetd(fleet: &Fleet) {
    let (dir, ca) = (fleet.base.dir.path(), fleet.ca());
    fleet.enrol("fleetd-twin");
    std::fs::rename(dir.join("fleetd-twin.key"), dir.join("fleetd.key")).unwrap();
    output(dir, "openssl req -new -key fleetd.key -subj /CN=fleetd -out fleetd.csr");
    let ca = ca.display();
    let sign = format!(
        "openssl x509 -req -in fleetd.csr -CA {ca}/kiosk-ca.pem -CAkey {ca}/kiosk-ca.key -CAcreateserial \
         -CAserial fleetd.srl -days 1 -out fleetd.pem"
    );
    output(dir, &sign);
    for topic in ["v1/k/t7.k1/dn/tw", "v1/k/t7.k1/up/ev", "v1/f/halt"] {
        let refused = said(&fleet.publish(As::Kiosk("fleetd"), topic, "evil"));
        assert!(refused.contains("Not authorized"), "{topic}: {refused}");
    }
}

/// As kiosks have it: never.
const SESSION_EXPIRY: &str = "4294967295";

fn what_comes_while_a_kiosk_is_away_waits_for_it(fleet: &Fleet) {
    let session = ["-c", "-x", SESSION_EXPIRY, "-q", "1", "-t", "v1/k/t7.k2/dn/jb", "-i", "t7.k2"];
    let leave = fleet.client("mosquitto_sub", As::Kiosk("t7.k2"), &[&session[..], &["-E"]].concat());
    assert!({ leave }.output().unwrap().status.success());
    fleet.publish(As::Fleetd, "v1/k/t7.k2/dn/jb", "waiting");
    let again = fleet.client("mosquitto_sub", As::Kiosk("t7.k2"), &[&session[..], &["-C", "1"]].concat());
    assert_eq!(said(&{ again }.output().unwrap()), "waiting\n");
}

async fn revocation(fleet: &Fleet, stolen: &KioskCertificate) {
    let allowed = |id| connected(&fleet.publish(As::Kiosk(id), &format!("v1/k/{id}/up/ev"), "x"));
    assert!(allowed("t7.k1"));
    fleet.revoke(stolen).await;
    eventually("the revoked kiosk is refused", async || !allowed("t7.k1")).await;
    assert!(allowed("t7.k2"));
}

/// The broker has read its configuration again: else it would not know who is revoked.
fn a_reload_leaves_rights_and_what_is_retained(fleet: &Fleet) {
    let retained = ["-W", "5", "-C", "1", "-t", "v1/k/t7.k2/dn/tw", "-t", "v1/k/t7.k1/dn/tw"];
    let heard = fleet.client("mosquitto_sub", As::Kiosk("t7.k2"), &retained).output().unwrap();
    assert_eq!(said(&heard), "v1/k/t7.k2/dn/tw\n");
    for foreign in ["v1/k/t7.k1/up/ev", "v1/k/t7.k2/dn/ak", "v1/f/halt"] {
        let refused = said(&fleet.publish(As::Kiosk("t7.k2"), foreign, "evil"));
        // The broker hangs up, too, and may be faster.
        let words = ["Not authorized", "connection was lost"];
        assert!(words.iter().any(|word| refused.contains(word)), "{foreign}: {refused}");
    }
}

async fn restart_keeps_out_the_revoked(fleet: Fleet) {
    let Fleet { base, embedded, .. } = fleet;
    embedded.stop().await.unwrap();
    let embedded = base.start().await;
    let authorities = Authorities::load(&embedded.engines().ca_dir).unwrap();
    let fleet = Fleet { base, embedded, authorities };
    let allowed = |id| connected(&fleet.publish(As::Kiosk(id), &format!("v1/k/{id}/up/ev"), "x"));
    assert!(allowed("t7.k2") && !allowed("t7.k1"));
    let Fleet { base, embedded, authorities } = fleet;
    embedded.stop().await.unwrap();

    // Who was revoked is not known any more: nobody gets in before the database was asked.
    keep_revocation_list(&base.data().join("ca"), "garbage").unwrap();
    let embedded = base.start().await;
    let fleet = Fleet { base, embedded, authorities };
    let allowed = |id| connected(&fleet.publish(As::Kiosk(id), &format!("v1/k/{id}/up/ev"), "x"));
    assert!(!allowed("t7.k2"));
    let list = fleet.authorities.kiosk.revocation_list(&[], 3, SystemTime::now()).unwrap();
    keep_revocation_list(&fleet.ca(), &list).unwrap();
    fleet.embedded.reload_broker().await;
    eventually("a fresh list lets kiosks in", async || allowed("t7.k2")).await;
    fleet.embedded.stop().await.unwrap();
}
