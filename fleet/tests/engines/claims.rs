//! Machines that show a code, and people who take them in.

use serde_json::{Value, json};

use crate::api::Fleet;

impl Fleet {
    /// A machine with a key of its own that has opened a claim: its code and its secret.
    fn claim(&self, key: &str) -> (String, Value) {
        self.request(key);
        let csr = std::fs::read_to_string(self.dir().join(format!("{key}.csr"))).unwrap();
        let asked = json!({ "csr": csr, "serial": "AR-26-00817", "version": "1.4.2" });
        let (status, told) = self.anybody("POST", "/v1/claims", &asked);
        assert_eq!((status, &told["expires_in"]), (201, &json!(900)), "{told}");
        (told["code"].as_str().unwrap().to_owned(), json!({ "secret": told["secret"] }))
    }

    fn poll(&self, secret: &Value) -> (u16, Value) {
        self.anybody("POST", "/v1/claims/poll", secret)
    }
}

#[test]
fn a_machine_that_shows_a_code_becomes_the_kiosk_that_somebody_makes_of_it() {
    let fleet = Fleet::start();
    let (code, secret) = fleet.claim("door");
    assert_eq!(fleet.poll(&secret), (200, json!({ "state": "waiting" })));

    let technician = fleet.token("technician");
    let approve = |token: &str, code: &str| {
        let asked = json!({ "code": code, "site": "main", "name": "Door", "tags": ["new"] }).to_string();
        fleet.ask_as(
            token,
            "POST",
            "/v1/claims/approve",
            &["-H", "Content-Type: application/json", "-d", &asked],
        )
    };
    assert_eq!(approve(&fleet.token("analyst"), &code).0, 403);
    assert_eq!(approve(&technician, "AAAA-AAAA").1["code"], "wrong_code");
    let typed = code.to_lowercase().replace('-', " ");
    let (status, machine) = approve(&technician, &typed);
    assert_eq!(
        (status, &machine["serial"], &machine["version"]),
        (200, &json!("AR-26-00817"), &json!("1.4.2"))
    );
    assert_eq!(approve(&technician, &code).1["code"], "wrong_code", "once");

    let (status, told) = fleet.poll(&secret);
    assert_eq!((status, &told["state"]), (200, &json!("claimed")), "{told}");
    let enrolled = &told["enrolled"];
    let kiosk = enrolled["kiosk"].as_str().unwrap();
    std::fs::write(fleet.dir().join("door.pem"), enrolled["certificate"].as_str().unwrap()).unwrap();
    let known = fleet.get(&format!("/v1/kiosks/{kiosk}"));
    assert_eq!((&known["name"], &known["tags"]), (&json!("Door"), &json!(["new"])));
    // Whoever has the machine's key, and nobody else, is that kiosk.
    let renewal =
        json!({ "csr": std::fs::read_to_string(fleet.dir().join("door.csr")).unwrap() }).to_string();
    let more = ["-H", "Content-Type: application/json", "-d", &renewal];
    assert_eq!(fleet.secure(Some("door"), "POST", "/v1/kiosk/certificate", &more).0, 201);

    // The answer was lost on the way.
    let again = fleet.poll(&secret).1;
    assert_eq!(again["enrolled"]["kiosk"], json!(kiosk));
    assert_eq!(fleet.get("/v1/kiosks")["total"], 1);
    assert_eq!(fleet.poll(&json!({ "secret": code })).0, 404, "the code is no secret");
    assert!(fleet.get("/v1/audit").to_string().contains("claim.approve"));
}

#[test]
fn a_kiosk_gets_a_new_machine_by_the_code_on_its_screen() {
    let fleet = Fleet::start();
    let kiosk = fleet.kiosk("old", &json!({ "site": "main", "name": "Door" }));
    let mut old = fleet.machine("old", &kiosk);
    let (code, secret) = fleet.claim("new");
    let asked = json!({ "code": code, "site": "main", "kiosk": kiosk });
    assert_eq!(fleet.send("POST", "/v1/claims/approve", &asked).0, 200);
    assert_eq!(fleet.poll(&secret).1["enrolled"]["kiosk"], json!(kiosk));
    let certificates = fleet.get(&format!("/v1/kiosks/{kiosk}/certificates"));
    let revoked = certificates.as_array().unwrap().iter().filter(|one| !one["revoked_at"].is_null()).count();
    assert_eq!(revoked, 1, "the old machine's: {certificates}");
    old.is_thrown_out();
}

#[tokio::test]
async fn a_claim_ends_and_one_address_cannot_open_all_of_them() {
    let fleet = Fleet::start();
    let (code, secret) = fleet.claim("slow");
    let owner = fleet.owner().await;
    owner.execute("UPDATE claim SET expires_at = now()", &[]).await.unwrap();
    assert_eq!(fleet.poll(&secret).0, 404);
    let asked = json!({ "code": code, "site": "main" });
    assert_eq!(fleet.send("POST", "/v1/claims/approve", &asked).0, 403);
    let csr = std::fs::read_to_string(fleet.dir().join("slow.csr")).unwrap();
    let statuses: Vec<u16> =
        (0..60).map(|_| fleet.anybody("POST", "/v1/claims", &json!({ "csr": csr })).0).collect();
    assert_eq!(statuses, [vec![201; 59], vec![429]].concat());
}

#[test]
fn the_page_for_phones_runs_nothing_from_elsewhere_and_is_told_nothing_by_its_address() {
    let fleet = Fleet::start();
    let output = std::process::Command::new("curl")
        .args(["-sSi", &format!("{}/claim?code=%3Cscript%3Ealert(1)%3C/script%3E", fleet.http)])
        .output()
        .unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("Claim this kiosk"), "{page}");
    assert!(page.contains("default-src 'none'") && !page.contains("alert(1)"));
}
