//! How kiosks are, as foreign clients tell it.

use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::api::Fleet;
use crate::support::{eventually, run};

struct Replica(Child);

impl Drop for Replica {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_has_kept_is_no_sign_of_life_to_a_new_replica() {
    let fleet = Fleet::start();
    let owner = fleet.owner().await;
    for key in ["gone", "unheard"] {
        let id = fleet.kiosk(key, &json!({ "site": "main", "name": key }));
        let (mosquitto, status) = (fleet.mosquitto(key), json!({ "on": true, "boot": 2, "conn": 1 }));
        run(fleet.dir(), &format!("mosquitto_pub {mosquitto} -q 1 -r -t v1/k/{id}/up/st -m {status}"));
    }
    let count = async |condition: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM kiosk WHERE {condition}");
        owner.query_one(&sql, &[]).await.unwrap().get(0)
    };
    eventually("both are heard of", async || count("is_on AND boot = 2").await == 2).await;
    owner.batch_execute("UPDATE kiosk SET last_seen = now() - interval '1 hour'").await.unwrap();
    owner.batch_execute("UPDATE kiosk SET boot = 1 WHERE name = 'unheard'").await.unwrap();
    let replica = Command::new(env!("CARGO_BIN_EXE_fleetd"))
        .args(["serve", "--config"])
        .arg(fleet.data().join("fleetd.toml"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _replica = Replica(replica.unwrap());
    let fresh = "last_seen > now() - interval '10 minutes'";
    eventually("what nobody has heard is news", async || {
        count(&format!("name = 'unheard' AND boot = 2 AND {fresh}")).await == 1
    })
    .await;
    assert_eq!(count(&format!("name = 'gone' AND {fresh}")).await, 0);
}
