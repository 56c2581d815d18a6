//! People: passwords, sessions, and what those of one site see.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::api::Fleet;

const PASSWORD: &str = "correct horse battery";

impl Fleet {
    fn person(&self, name: &str, role: &str, sites: &Value) -> Value {
        let asked = json!({ "name": name, "role": role, "sites": sites, "password": PASSWORD });
        let (status, told) = self.send("POST", "/v1/people", &asked);
        assert_eq!(status, 201, "{told}");
        told
    }

    fn login(&self, name: &str, password: &str) -> (u16, Value) {
        self.login_from("127.0.0.1", name, password)
    }

    fn login_from(&self, address: &str, name: &str, password: &str) -> (u16, Value) {
        let body = json!({ "name": name, "password": password }).to_string();
        let more = ["--interface", address, "-H", "Content-Type: application/json", "-d", &body];
        self.ask_as("", "POST", "/v1/login", &more)
    }

    fn session(&self, name: &str) -> String {
        let (status, told) = self.login(name, PASSWORD);
        assert_eq!(status, 200, "{told}");
        told["token"].as_str().unwrap().to_owned()
    }

    fn send_as(&self, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.ask_as(token, method, path, &["-H", "Content-Type: application/json", "-d", &body.to_string()])
    }
}

#[test]
fn a_session_ends_with_the_password_the_role_or_the_person() {
    let fleet = Fleet::start();
    let ann = fleet.person("Ann@Example.com", "operator", &Value::Null);
    assert_eq!(ann["name"], "ann@example.com");
    let path = format!("/v1/people/{}", ann["id"].as_str().unwrap());
    let status = |token: &str| fleet.ask_as(token, "GET", "/v1/kiosks", &[]).0;

    assert_eq!(fleet.login("ann@example.com", "wrong password").0, 401);
    assert_eq!(fleet.login("nobody", PASSWORD).0, 401);
    let first = fleet.session("ANN@example.com ");
    let me = fleet.ask_as(&first, "GET", "/v1/me", &[]).1;
    assert_eq!(
        (&me["actor"], &me["role"], &me["sites"]),
        (&json!("ann@example.com"), &json!("operator"), &Value::Null)
    );
    assert_eq!(fleet.ask_as(&first, "GET", "/v1/people", &[]).0, 403, "no admin");

    // Somebody who found the screen unlocked does not know the old password.
    let asked = json!({ "old": "wrong password", "new": "another password" });
    assert_eq!(fleet.send_as(&first, "POST", "/v1/me/password", &asked).0, 401);
    assert_eq!(
        fleet.send_as(&first, "POST", "/v1/me/password", &json!({ "old": PASSWORD, "new": "short" })).0,
        422
    );
    let asked = json!({ "old": PASSWORD, "new": "another password" });
    assert_eq!(fleet.send_as(&first, "POST", "/v1/me/password", &asked).0, 204);
    assert_eq!(status(&first), 401, "all sessions end with the password");
    assert_eq!(fleet.login("ann@example.com", PASSWORD).0, 401);

    let second = fleet.login("ann@example.com", "another password").1["token"].as_str().unwrap().to_owned();
    assert_eq!(fleet.send("PATCH", &path, &json!({ "role": "technician", "password": PASSWORD })).0, 200);
    assert_eq!(status(&second), 401, "and with the role");
    let third = fleet.session("ann@example.com");
    assert_eq!(fleet.ask_as(&third, "GET", "/v1/orders", &[]).0, 403, "technicians see no sales");
    assert_eq!(fleet.ask_as(&third, "POST", "/v1/logout", &[]).0, 204);
    assert_eq!(status(&third), 401);
    let fourth = fleet.session("ann@example.com");
    assert_eq!(fleet.send("PATCH", &path, &json!({ "disabled": true })).0, 200);
    assert_eq!((status(&fourth), fleet.login("ann@example.com", PASSWORD).0), (401, 401));

    let audit = fleet.get("/v1/audit").to_string();
    assert!(
        audit.contains("person.login") && audit.contains("person.disabled")
            || audit.contains("person.change")
    );
    assert!(!audit.contains("another password") && !audit.contains("argon2"), "no secrets in the log");
    assert!(!fleet.get("/v1/people").to_string().contains("argon2"));
    assert_eq!(fleet.get("/v1/audit/verify")["intact"], true);
}

#[test]
fn wrong_passwords_are_slow_to_try_even_with_the_right_one_among_them() {
    let fleet = Fleet::start();
    fleet.person("ann", "operator", &Value::Null);
    let stranger = |password: &str| fleet.login_from("127.0.0.2", "ann", password).0;
    let tries: Vec<u16> = (0..11).map(|n| stranger(&format!("wrong {n:04}"))).collect();
    assert_eq!(tries, [vec![401; 10], vec![429]].concat());
    assert_eq!(stranger(PASSWORD), 429);
    assert_eq!(fleet.login("ann", PASSWORD).0, 200, "a stranger does not lock her out");
    fleet.person("ben", "operator", &Value::Null);
    assert_eq!(fleet.login_from("127.0.0.2", "ben", PASSWORD).0, 200, "others are not kept out");
}

#[test]
fn who_belongs_to_one_site_sees_and_changes_nothing_elsewhere() {
    let fleet = Fleet::start();
    for site in ["north", "south"] {
        assert_eq!(fleet.send("POST", "/v1/sites", &json!({ "id": site, "name": site })).0, 201);
    }
    let (north, south) = (
        fleet.kiosk("north", &json!({ "site": "north" })),
        fleet.kiosk("south", &json!({ "site": "south" })),
    );
    for site in ["north", "south"] {
        let count = json!({ "site": site, "variation": "bun", "on_hand": 100_000 });
        let (status, told) = fleet.send("POST", "/v1/stock/counts", &count);
        assert!(status < 300, "{told}");
    }
    for asked in
        [json!({ "kiosk": north, "kind": "screenshot" }), json!({ "kiosk": south, "kind": "screenshot" })]
    {
        let (status, told) = fleet.send("POST", "/v1/jobs", &asked);
        assert!(status < 300, "{told}");
    }
    assert_eq!(
        fleet
            .send(
                "POST",
                "/v1/people",
                &json!({ "name": "x", "role": "operator", "sites": ["west"], "password": PASSWORD })
            )
            .0,
        404
    );
    assert_eq!(
        fleet
            .send(
                "POST",
                "/v1/people",
                &json!({ "name": "x", "role": "admin", "sites": ["north"], "password": PASSWORD })
            )
            .0,
        422
    );
    fleet.person("ann", "operator", &json!(["north"]));
    let session = fleet.session("ann");
    let asked = json!({ "name": "till", "role": "operator", "sites": ["north"] });
    let token = fleet.send("POST", "/v1/tokens", &asked).1["token"].as_str().unwrap().to_owned();

    for who in [session, token] {
        let get = |path: &str| fleet.ask_as(&who, "GET", path, &[]);
        for path in ["/v1/kiosks", "/v1/stock", "/v1/jobs"] {
            let items = get(path).1["items"].clone();
            assert_eq!(items.as_array().unwrap().len(), 1, "{path}: {items}");
            assert!(
                !items.to_string().contains("south") && !items.to_string().contains(&south),
                "{path}: {items}"
            );
        }
        assert_eq!(get("/v1/sites").1.as_array().unwrap().len(), 1);
        assert_eq!(get(&format!("/v1/kiosks/{north}")).0, 200);
        for path in ["", "/twin", "/certificates"] {
            assert_eq!(get(&format!("/v1/kiosks/{south}{path}")).0, 404, "{path}");
        }
        let refused = |method: &str, path: &str, body: Value| {
            let (status, told) = fleet.send_as(&who, method, path, &body);
            assert!(matches!(status, 403 | 404 | 409 | 422), "{path} {body}: {status} {told}");
        };
        refused("PATCH", &format!("/v1/kiosks/{south}"), json!({ "name": "mine" }));
        refused("POST", &format!("/v1/kiosks/{south}/decommission"), json!({ "reason": "mine" }));
        refused("POST", "/v1/enrolment-codes", json!({ "site": "south" }));
        refused("POST", "/v1/stock/counts", json!({ "site": "south", "variation": "bun", "on_hand": 0 }));
        refused("POST", "/v1/jobs", json!({ "kiosk": south, "kind": "reboot" }));
        let (status, told) = fleet.send_as(&who, "POST", "/v1/catalogs", &json!({}));
        assert_eq!((status, &told["code"]), (403, &json!("forbidden")), "catalogs are everybody's");
        let count = json!({ "kind": "reboot", "filter": "", "dry_run": true });
        assert_eq!(
            fleet.send_as(&who, "POST", "/v1/jobs", &count).1["count"],
            1,
            "a filter reaches only theirs"
        );
    }
    let stock = fleet.get("/v1/stock");
    assert!(stock["items"].as_array().unwrap().iter().all(|row| row["on_hand"] == 100_000), "{stock}");
}

#[test]
fn one_program_that_went_wild_is_told_to_wait_and_others_are_not() {
    let fleet = Fleet::start();
    let wild = fleet.token("analyst");
    let many = format!("{}/v1/kiosks?limit=[1-400]", fleet.http);
    let output = std::process::Command::new("curl")
        .args([
            "-sS",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}\n",
            "-H",
            &format!("Authorization: Bearer {wild}"),
            &many,
        ])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.lines().take(200).all(|line| line == "200"), "{told}");
    assert!(told.lines().any(|line| line == "429"), "{told}");
    fleet.get("/v1/me");
}

#[test]
fn a_saved_filter_is_one_word_in_every_other_filter() {
    let fleet = Fleet::start();
    let kiosk = fleet.kiosk("a", &json!({ "site": "main", "tags": ["canary"] }));
    fleet.kiosk("b", &json!({ "site": "main" }));
    assert_eq!(
        fleet.send("PUT", "/v1/filters/first", &json!({ "filter": "tag:canary and site=main" })).0,
        200
    );
    let listed = fleet.get("/v1/kiosks?filter=@first%20and%20online=false");
    assert_eq!((&listed["total"], &listed["items"][0]["id"]), (&json!(1), &json!(kiosk)));
    let asked = json!({ "kind": "reboot", "filter": "not @first", "dry_run": true });
    assert_eq!(fleet.send("POST", "/v1/jobs", &asked).1["count"], 1);

    let refused = |name: &str, filter: &str| {
        fleet.send("PUT", &format!("/v1/filters/{name}"), &json!({ "filter": filter })).0
    };
    assert_eq!(
        (refused("second", "@first"), refused("second", "site="), refused("Second", "")),
        (400, 400, 422)
    );
    let told = fleet.send("PUT", "/v1/filters/second", &json!({ "filter": "@first or online" })).1;
    assert!(told["detail"].as_str().unwrap().contains("part of another"), "{told}");
    let told = fleet.ask_as(&fleet.token("analyst"), "GET", "/v1/kiosks?filter=@nosuch", &[]);
    assert_eq!((told.0, &told.1["code"]), (400, &json!("filter")), "{told:?}");
    assert_eq!(fleet.send("DELETE", "/v1/filters/first", &json!({})).0, 204);
    assert_eq!(fleet.send("DELETE", "/v1/filters/first", &json!({})).0, 404);
    assert_eq!(fleet.get("/v1/filters"), json!([]));
}

#[test]
fn whoever_may_ask_no_longer_hears_nothing_more() {
    let fleet = Fleet::start();
    let token = fleet.token("operator");
    let mut stream = Command::new("curl")
        .args(["-sS", "-N", "-m", "30", "-H", &format!("Authorization: Bearer {token}")])
        .arg(format!("{}/v1/stream", fleet.http))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut told = BufReader::new(stream.stdout.take().unwrap());
    told.read_line(&mut first).unwrap();
    assert_eq!(first.trim(), "event: resync");
    let tokens = fleet.get("/v1/tokens");
    let id = tokens.as_array().unwrap().iter().find(|it| it["role"] == "operator").unwrap()["id"].clone();
    assert_eq!(
        fleet.ask_as(&fleet.admin, "DELETE", &format!("/v1/tokens/{}", id.as_str().unwrap()), &[]).0,
        204
    );
    // It ends cleanly; the limit of curl would be an error.
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    assert!(stream.wait().unwrap().success(), "the stream goes on: {rest}");
}
