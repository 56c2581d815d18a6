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

    let metrics = |token: &str| fleet.ask_as(token, "GET", "/metrics", &[]).1.as_str().unwrap().to_owned();
    let (all_theirs, all_ours) = (metrics(token.trim()), metrics(&fleet.admin));
    assert!(all_theirs.contains("fleet_kiosks{tenant=\"acme\",state=\"never-seen\"} 1"), "{all_theirs}");
    assert!(!all_theirs.contains("\"t1\"") && !all_ours.contains("acme"), "numbers are a tenant's own");

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

#[test]
fn nobody_takes_the_last_administrator_away_and_the_servers_owner_makes_another() {
    let fleet = Fleet::start();
    let tokens = |token: &str| fleet.ask_as(token, "GET", "/v1/tokens", &[]).1;
    let id = tokens(&fleet.admin)[0]["id"].as_str().unwrap().to_owned();
    let revoke = |id: &str| fleet.ask_as(&fleet.admin, "DELETE", &format!("/v1/tokens/{id}"), &[]);
    let (status, told) = revoke(&id);
    assert_eq!((status, &told["code"]), (409, &json!("last_admin")), "{told}");
    assert_eq!(fleet.ask_as(&fleet.admin, "GET", "/v1/me", &[]).0, 200);
    // One that ends some day is no way in for good; the token of somebody else may go at any time.
    let new = |body: serde_json::Value| fleet.send("POST", "/v1/tokens", &body).1;
    new(json!({ "name": "a week", "role": "admin", "days": 7 }));
    assert_eq!(revoke(&id).0, 409);
    let other = new(json!({ "name": "reads", "role": "analyst" }));
    assert_eq!(revoke(other["id"].as_str().unwrap()).0, 204);
    // Two who take each other away at once.
    let rival = new(json!({ "name": "rival", "role": "admin" }));
    let (theirs, token) = (rival["id"].as_str().unwrap(), rival["token"].as_str().unwrap());
    let path = |id: &str| format!("/v1/tokens/{id}");
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| fleet.ask_as(&fleet.admin, "DELETE", &path(theirs), &[]).0);
        let other = scope.spawn(|| fleet.ask_as(token, "DELETE", &path(&id), &[]).0);
        (one.join().unwrap(), other.join().unwrap())
    });
    assert!([one, other].iter().filter(|status| **status == 204).count() == 1, "{one} {other}");
    if other == 204 {
        // The rest of this test is the first one's.
        return;
    }
    let person = json!({ "name": "ann", "role": "admin", "password": "correct horse battery" });
    let (_, ann) = fleet.send("POST", "/v1/people", &person);
    assert_eq!(revoke(&id).0, 204);
    assert_eq!(fleet.ask_as(&fleet.admin, "GET", "/v1/me", &[]).0, 401);

    let config = fleet.data().join("fleetd.toml").display().to_string();
    let more = |id: &str| {
        format!("{} tenant {id} --config {config} --token-file again", env!("CARGO_BIN_EXE_fleetd"))
    };
    assert!(failure(fleet.dir(), &more("acme")).contains("there is no tenant acme"));
    output(fleet.dir(), &more("t1"));
    let again = std::fs::read_to_string(fleet.dir().join("again")).unwrap();
    let path = format!("/v1/people/{}", ann["id"].as_str().unwrap());
    let body = ["-H", "Content-Type: application/json", "-d", r#"{"disabled":true}"#];
    assert_eq!(fleet.ask_as(again.trim(), "PATCH", &path, &body).0, 200, "it is for good");
    let listed = tokens(again.trim());
    let last = listed.as_array().unwrap().iter().find(|it| it["created_by"] == "fleetd tenant").unwrap();
    let path = format!("/v1/tokens/{}", last["id"].as_str().unwrap());
    assert_eq!(fleet.ask_as(again.trim(), "DELETE", &path, &[]).0, 409);
}
