//! Requests with an `Idempotency-Key`, on the real service and database.

use serde_json::{Value, json};

use crate::api::Fleet;

/// The body of the last answer and its status; `key` names the request.
fn post(fleet: &Fleet, key: &str, path: &str, body: &Value) -> (u16, Value) {
    let (key, body) = (format!("Idempotency-Key: {key}"), body.to_string());
    fleet.ask_as(
        &fleet.admin,
        "POST",
        path,
        &["-H", &key, "-H", "Content-Type: application/json", "-d", &body],
    )
}

#[tokio::test]
async fn a_request_that_comes_twice_with_its_key_is_done_once() {
    let fleet = Fleet::start();
    let on_hand = |fleet: &Fleet| fleet.get("/v1/stock")["items"][0]["on_hand"].clone();
    let count = json!({ "site": "main", "variation": "cola", "on_hand": 500_000 });
    assert_eq!(post(&fleet, "c", "/v1/stock/counts", &count).0, 200);

    let receipt = json!({ "site": "main", "variation": "cola", "quantity": 200_000 });
    let first = post(&fleet, "r", "/v1/stock/receipts", &receipt);
    assert_eq!((first.0, &first.1["on_hand"]), (200, &json!(700_000)));
    assert_eq!(post(&fleet, "r", "/v1/stock/receipts", &receipt), first, "the same answer");
    assert_eq!(on_hand(&fleet), 700_000, "and nothing more");
    let other = json!({ "site": "main", "variation": "cola", "quantity": 300_000 });
    let (status, told) = post(&fleet, "r", "/v1/stock/receipts", &other);
    assert_eq!((status, &told["code"]), (409, &json!("idempotency_key")), "{told}");
    let (status, told) = post(&fleet, "r", "/v1/stock/counts", &receipt);
    assert_eq!((status, &told["code"]), (409, &json!("idempotency_key")), "{told}");

    // What was refused was not done: the same key may ask again.
    let more = json!({ "site": "main", "variation": "cola", "quantity": -800_000 });
    assert_eq!(post(&fleet, "m", "/v1/stock/receipts", &more).0, 422);
    assert_eq!(post(&fleet, "x", "/v1/stock/receipts", &receipt).0, 200);
    assert_eq!(post(&fleet, "m", "/v1/stock/receipts", &more).1["on_hand"], 100_000);

    // Of somebody else it is another key.
    let operator = fleet.token("operator");
    let body = receipt.to_string();
    let theirs = ["-H", "Idempotency-Key: r", "-H", "Content-Type: application/json", "-d", &body];
    assert_eq!(fleet.ask_as(&operator, "POST", "/v1/stock/receipts", &theirs).1["on_hand"], 300_000);

    // Two tokens may have one name, and one of them sees less.
    let namesake = json!({ "name": "operator", "role": "operator", "sites": ["elsewhere"] });
    fleet.send("POST", "/v1/sites", &json!({ "id": "elsewhere", "name": "Elsewhere" }));
    let namesake = fleet.send("POST", "/v1/tokens", &namesake).1["token"].as_str().unwrap().to_owned();
    assert_eq!(fleet.ask_as(&namesake, "POST", "/v1/stock/receipts", &theirs).0, 404);

    // Ten at once.
    let asking: Vec<(u16, Value)> = std::thread::scope(|scope| {
        let ask = || post(&fleet, "ten", "/v1/stock/receipts", &receipt);
        let threads: Vec<_> = (0..10).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(asking.iter().all(|(status, _)| [200, 409].contains(status)), "{asking:?}");
    assert_eq!(on_hand(&fleet), 500_000);

    // A secret is told once.
    let token = json!({ "name": "ci", "role": "analyst" });
    assert_eq!(post(&fleet, "t", "/v1/tokens", &token).0, 201);
    let (status, told) = post(&fleet, "t", "/v1/tokens", &token);
    assert_eq!((status, &told["code"]), (409, &json!("done_already")), "{told}");
    let owner = fleet.owner().await;
    let kept = "SELECT count(*) FROM once WHERE convert_from(body, 'UTF8') LIKE '%secret%' OR key = 't' AND body IS NOT NULL";
    assert_eq!(owner.query_one(kept, &[]).await.unwrap().get::<_, i64>(0), 0);

    // A dry run is no work.
    let dry = json!({ "kind": "reboot", "filter": "", "dry_run": true });
    assert_eq!(post(&fleet, "d", "/v1/jobs", &dry).0, 200);
    assert_eq!(post(&fleet, "d", "/v1/jobs", &json!({ "kind": "reboot", "filter": "" })).0, 201);
    assert_eq!(post(&fleet, &"k".repeat(201), "/v1/stock/receipts", &receipt).0, 422);
}
