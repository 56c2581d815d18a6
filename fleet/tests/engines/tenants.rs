//! One fleet, several tenants.

use serde_json::json;

use crate::api::Fleet;
use crate::support::{failure, output};

#[test]
fn a_tenant_that_was_added_has_its_own_kiosks_and_sees_no_others() {
    let fleet = Fleet::start();
    let ours = fleet.kiosk("ours", &json!({ "site": "main" }));
    let config = fleet.data().join("fleetd.toml").display().to_string();
    let fleetd = env!("CARGO_BIN_EXE_fleetd");
    let add = |id: &str, file: &str| {
        format!("{fleetd} tenant {id} --name Acme --config {config} --token-file {file}")
    };
    output(fleet.dir(), &add("acme", "acme-token"));
    let token = std::fs::read_to_string(fleet.dir().join("acme-token")).unwrap();
    let as_them = |method: &str, path: &str, more: &[&str]| fleet.ask_as(token.trim(), method, path, more);
    assert_eq!(as_them("GET", "/v1/me", &[]).1["tenant"], "acme");
    assert_eq!(as_them("GET", "/v1/kiosks", &[]).1["items"], json!([]));
    assert_eq!(as_them("GET", &format!("/v1/kiosks/{ours}"), &[]).0, 404);

    let asked = ["-H", "Content-Type: application/json", "-d", r#"{"site":"main"}"#];
    let (status, told) = as_them("POST", "/v1/enrolment-codes", &asked);
    assert_eq!(status, 201, "{told}");
    fleet.request("theirs");
    let (status, told) = fleet.enrol(told["code"].as_str().unwrap(), "theirs");
    assert_eq!(status, 201, "{told}");
    let theirs = told["kiosk"].as_str().unwrap();
    assert!(theirs.starts_with("acme."), "{theirs}");
    assert_eq!(as_them("GET", &format!("/v1/kiosks/{theirs}"), &[]).0, 200);
    assert_eq!(fleet.ask_as(&fleet.admin, "GET", &format!("/v1/kiosks/{theirs}"), &[]).0, 404);

    for (id, file, why) in [
        ("acme", "other-token", "there is a tenant acme already"),
        ("beta", "acme-token", "cannot write acme-token"),
        ("Not-One", "other-token", "1 to 16 lower-case letters and digits"),
    ] {
        let said = failure(fleet.dir(), &add(id, file));
        assert!(said.contains(why), "{said}");
    }
    assert!(!fleet.dir().join("other-token").exists());
}
