//! Rollouts in a real database over a real broker; the kiosks are mosquitto clients.

use std::process::{Command, Stdio};

use ota::orders::{self, Action, Assignment, HaltOrder};
use ota::trust::sign::PublicKey;
use serde_json::{Value, json};

use crate::api::Fleet;
use crate::ctl::Operator;
use crate::support::{eventually, output};
use crate::updates::{MODEL, Makers, operator};

/// Kiosks of two sites that run release 1, and a release 2 that is listed.
struct Shop {
    fleet: Fleet,
    kiosks: Vec<String>,
    campaign_key: PublicKey,
    makers: Makers,
}

impl Shop {
    fn new(kiosks: usize) -> Self {
        let fleet = Fleet::start();
        let makers = Makers::of(&fleet);
        makers.release(1, 0);
        makers.release(2, 0);
        operator(&fleet).run(&["release", "push", makers.path()]).good();
        let key = std::fs::read_to_string(fleet.ca("campaign.pub")).unwrap();
        let kiosks: Vec<String> =
            (0..kiosks).map(|n| fleet.kiosk(&format!("k{n}"), &json!({ "site": "main" }))).collect();
        let shop = Self { fleet, kiosks, campaign_key: PublicKey::parse(&key).unwrap(), makers };
        for n in 0..shop.kiosks.len() {
            shop.status(n, 1);
            shop.say(n, 1, &Value::Null, &Value::Null);
        }
        shop
    }

    fn operator(&self) -> Operator<'_> {
        Operator { home: self.fleet.dir() }
    }

    fn publish(&self, n: usize, topic: &str, text: &Value) {
        let (id, mosquitto) = (&self.kiosks[n], self.fleet.mosquitto(&format!("k{n}")));
        output(
            self.fleet.dir(),
            &format!("mosquitto_pub {mosquitto} -q 1 -r -t v1/k/{id}/up/{topic} -m {text}"),
        );
    }

    fn status(&self, n: usize, conn: u32) {
        self.publish(n, "st", &json!({ "on": true, "boot": 1, "conn": conn, "sell": "open" }));
    }

    /// What a kiosk runs, and how far it is.
    fn say(&self, n: usize, confirmed: u64, under_way: &Value, last: &Value) {
        let mut state =
            json!({ "v": 1, "model": MODEL, "running": confirmed, "version": "1", "confirmed": confirmed });
        for (name, value) in [("under_way", under_way), ("last", last)] {
            if !value.is_null() {
                state[name] = value.clone();
            }
        }
        self.publish(n, "ot", &state);
    }

    fn is_at(&self, n: usize, campaign: &str, step: &str) {
        self.say(n, 1, &json!({ "campaign": campaign, "release": 2, "step": step }), &Value::Null);
    }

    /// Somebody at the kiosk has stopped updates.
    fn held(&self, n: usize, by: Option<&str>) {
        let mut state = json!({ "v": 1, "model": MODEL, "running": 1, "version": "1", "confirmed": 1 });
        if let Some(by) = by {
            state["held_by"] = by.into();
        }
        self.publish(n, "ot", &state);
    }

    fn failed(&self, n: usize, campaign: &str, reason: &str) {
        let last =
            json!({ "campaign": campaign, "release": 2, "result": "rolled_back", "reason": reason, "at": 0 });
        self.say(n, 1, &Value::Null, &last);
    }

    fn retained(&self, n: usize, topic: &str) -> Option<String> {
        let mut command = Command::new("mosquitto_sub");
        command.args(self.fleet.mosquitto(&format!("k{n}")).split(' '));
        command.args(["-t", topic, "-C", "1", "-W", "1"]).current_dir(self.fleet.dir()).stderr(Stdio::null());
        let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
        (!text.trim().is_empty()).then_some(text)
    }

    fn assignment(&self, n: usize) -> Option<Assignment> {
        let text = self.retained(n, &format!("v1/k/{}/dn/ot", self.kiosks[n]))?;
        Some(orders::open(text.trim().as_bytes(), std::slice::from_ref(&self.campaign_key)).unwrap())
    }

    fn has_turn(&self, n: usize) -> bool {
        matches!(self.assignment(n).map(|it| it.action), Some(Action::Install { turn: true, .. }))
    }

    fn halted(&self) -> Vec<String> {
        let text = self.retained(0, "v1/f/halt").unwrap();
        orders::open::<HaltOrder>(text.trim().as_bytes(), std::slice::from_ref(&self.campaign_key))
            .unwrap()
            .halted
    }

    fn rollout(&self, id: &str) -> Value {
        self.fleet.get(&format!("/v1/rollouts/{id}"))
    }

    async fn stands(&self, id: &str, wanted: &str) {
        eventually(&format!("{id} is {wanted}"), async || self.rollout(id)["state"] == wanted).await;
    }

    async fn assigned(&self, n: usize) -> Assignment {
        eventually("an assignment", async || self.assignment(n).is_some()).await;
        self.assignment(n).unwrap()
    }
}

const START: [&str; 11] =
    ["rollout", "start", "", "--release", "2", "--waves", "100", "--soak", "0s", "--yes", "--site-percent"];

#[tokio::test]
async fn a_release_comes_to_a_shop_one_kiosk_after_the_other() {
    let shop = Shop::new(3);
    let operator = shop.operator();
    eventually("the fleet knows what they run", async || {
        let dry = operator.run(&["rollout", "start", "", "--release", "2", "--dry-run", "-o", "name"]);
        dry.code == 0 && dry.out.lines().count() == 3
    })
    .await;
    let start = [&START[..], &["25"]].concat();
    let said = operator.run(&start);
    assert_eq!((said.code, said.out.as_str()), (0, "t1.r1\n"), "{said:?}");
    operator.run(&start).fails(5, &["3 are in another rollout", "fleetctl rollout list"]);
    let mut first = None;
    for n in 0..3 {
        let assignment = shop.assigned(n).await;
        let Action::Install { release: 2, turn: false, .. } = assignment.action else {
            panic!("{assignment:?}")
        };
        assert_eq!(
            (assignment.aud.as_str(), assignment.campaign.as_str()),
            (shop.kiosks[n].as_str(), "t1.r1")
        );
        first.get_or_insert(assignment.generation);
        shop.is_at(n, "t1.r1", "installed");
    }
    let turns = || (0..3).filter(|n| shop.has_turn(*n)).collect::<Vec<_>>();
    for done in 0..3 {
        eventually("one has its turn", async || turns().len() == 1).await;
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        let turned = turns();
        assert_eq!(turned.len(), 1, "never two of a shop of three");
        if done == 0 {
            assert_eq!(shop.rollout("t1.r1")["kiosks"]["switching"], 1);
        }
        shop.say(
            turned[0],
            2,
            &Value::Null,
            &json!({ "campaign": "t1.r1", "release": 2, "result": "confirmed", "at": 0 }),
        );
        eventually("its topic is emptied", async || shop.assignment(turned[0]).is_none()).await;
    }
    shop.stands("t1.r1", "done").await;
    let watched = operator.run(&["rollout", "watch", "t1.r1"]);
    assert!(watched.code == 0 && watched.out.contains("done, 100 %: 3 good of 3"), "{watched:?}");
    let metrics = shop.fleet.get("/metrics");
    for line in ["fleet_update_turns_total 3", "fleet_rollouts{tenant=\"t1\",state=\"done\"} 1"] {
        assert!(metrics.as_str().unwrap().contains(line), "{line}");
    }
    going_back_is_limited_by_the_floor(&shop);
}

fn going_back_is_limited_by_the_floor(shop: &Shop) {
    let operator = shop.operator();
    let dry = operator.run(&["rollout", "rollback", "t1.r1", "--dry-run"]);
    assert!(dry.code == 0 && dry.err.contains("3 kiosks (dry run)"), "{dry:?}");
    assert_eq!(operator.run(&["rollout", "rollback", "t1.r1", "--yes"]).good(), "t1.r2\n");
    assert_eq!(shop.rollout("t1.r2")["number"], 1);
    operator.run(&["rollout", "halt", "t1.r2", "--reason", "no, stay"]).good();
    shop.makers.release(3, 3);
    operator.run(&["release", "push", shop.makers.path()]).good();
    for n in 0..3 {
        shop.say(n, 2, &Value::Null, &Value::Null);
    }
    let args = ["rollout", "start", "", "--release", "3", "--yes"];
    assert_eq!(operator.run(&args).good(), "t1.r3\n");
    operator
        .run(&["rollout", "rollback", "t1.r3", "--yes"])
        .fails(2, &["refuse everything below 3", "kiosk-ota release"]);
}

#[tokio::test]
async fn the_same_failure_twice_halts_and_everybody_else_stays() {
    let shop = Shop::new(4);
    let operator = shop.operator();
    let start = [&START[..], &["75"]].concat();
    eventually("it starts for four", async || {
        shop.fleet.get("/v1/kiosks")["total"] == 4 && {
            let dry = operator.run(&["rollout", "start", "", "--release", "2", "--dry-run", "-o", "name"]);
            dry.out.lines().count() == 4
        }
    })
    .await;
    assert_eq!(operator.run(&start).good(), "t1.r1\n");
    for n in 0..4 {
        shop.assigned(n).await;
    }
    shop.held(3, Some("root"));
    let shown = |wanted: bool| operator.run(&["rollout", "show", "t1.r1"]).out.contains("root") == wanted;
    eventually("who holds it up is told", async || shown(true)).await;
    shop.held(3, None);
    eventually("and that nobody does any more", async || shown(false)).await;
    shop.is_at(0, "t1.r1", "installed");
    shop.is_at(1, "t1.r1", "installed");
    eventually("two have their turn", async || shop.has_turn(0) && shop.has_turn(1)).await;
    shop.failed(0, "t1.r1", "no_frame");
    eventually("one is bad", async || shop.rollout("t1.r1")["kiosks"]["bad"] == 1).await;
    assert_eq!(shop.rollout("t1.r1")["state"], "running", "once is no proof");
    shop.failed(1, "t1.r1", "no_frame");
    shop.stands("t1.r1", "halted").await;
    eventually("every kiosk hears of it", async || shop.halted() == ["t1.r1"]).await;
    eventually("what was told is taken back", async || {
        shop.assignment(2).is_some_and(|it| it.action == Action::Cancel)
    })
    .await;
    shop.say(2, 1, &Value::Null, &Value::Null);
    eventually("and emptied", async || shop.assignment(2).is_none()).await;
    operator.run(&["rollout", "watch", "t1.r1"]).fails(1, &["no_frame", "fleetctl rollout rollback t1.r1"]);
    operator.run(&["rollout", "resume", "t1.r1"]).fails(5, &["t1.r1 is halted", "fleetctl rollout show"]);
    let shown = operator.run(&["rollout", "show", "t1.r1"]).good();
    assert!(shown.contains("two of the first kiosks failed with no_frame"), "{shown}");
    let audit = shop.fleet.get("/v1/audit?action=rollout.state");
    assert_eq!(audit["items"][0]["actor"], "fleetd", "{audit}");
}

#[tokio::test]
async fn a_kiosk_that_is_born_anew_hears_its_assignment_again_and_late_ones_join() {
    let shop = Shop::new(1);
    let operator = shop.operator();
    let start = [&START[..], &["25"]].concat();
    eventually("it starts", async || operator.run(&start).code == 0).await;
    let before = shop.assigned(0).await;
    let mosquitto = shop.fleet.mosquitto("k0");
    // The broker has lost it; only the fleet may write there, so the fleet's own certificate is borrowed.
    let ports = std::fs::read_to_string(shop.fleet.data().join("ports.toml")).unwrap();
    let port = ports.lines().find_map(|line| line.strip_prefix("internal = ")).unwrap();
    let ca = shop.fleet.data().join("ca");
    let as_fleet = format!(
        "-V 5 -h localhost -p {port} --cafile {0}/fleet-ca.pem --cert {0}/fleetd.pem --key {0}/fleetd.key",
        ca.display()
    );
    let topic = format!("v1/k/{}/dn/ot", shop.kiosks[0]);
    output(shop.fleet.dir(), &format!("mosquitto_pub {as_fleet} -q 1 -r -n -t {topic}"));
    assert!(shop.assignment(0).is_none() && mosquitto.contains("k0"));
    shop.status(0, 2);
    let again = shop.assigned(0).await;
    assert_eq!((again.generation, again.action), (before.generation, before.action), "the same");

    let draft = ["rollout", "start", "", "--release", "2", "--approve-by-other", "--yes"];
    operator.run(&draft).fails(5, &["1 are in another rollout"]);
    assert!(shop.rollout("t1.r1")["kiosks"]["assigned"].is_u64());
    operator.run(&["rollout", "halt", "t1.r1"]).good();
    let kiosks = shop.rollout("t1.r1")["kiosks"].clone();
    assert!(kiosks["assigned"].is_null() && kiosks["withdrawn"].is_u64(), "{kiosks}");
    assert_eq!(operator.run(&draft).good(), "t1.r2\n");
    assert_eq!(shop.rollout("t1.r2")["state"], "draft");
    operator
        .run(&["rollout", "approve", "t1.r2"])
        .fails(5, &["somebody else", "fleetctl rollout approve t1.r2"]);
    let other = shop.fleet.token("operator");
    let (status, told) = shop.fleet.ask_as(&other, "POST", "/v1/rollouts/t1.r2/approve", &[]);
    assert_eq!((status, &told["state"]), (200, &json!("running")), "{told}");
    eventually("a new assignment", async || {
        shop.assignment(0).is_some_and(|it| it.campaign == "t1.r2" && it.generation > before.generation)
    })
    .await;
    let technician = shop.fleet.token("technician");
    let body = ["-H", "Content-Type: application/json", "-d", "{}"];
    assert_eq!(shop.fleet.ask_as(&technician, "POST", "/v1/rollouts/t1.r2/halt", &body).0, 403);

    let owner = shop.fleet.owner().await;
    owner.batch_execute("INSERT INTO kiosk (id, tenant, site) VALUES ('t1.late', 't1', 'main');
        INSERT INTO update_state (kiosk, tenant, model, running, version, confirmed) VALUES ('t1.late', 't1', 'alder', 1, '1', 1);
        UPDATE rollout SET memory = memory || '{\"late_looked_s\": 0}'").await.unwrap();
    eventually("a late one joins the last wave", async || {
        let kiosks = shop.fleet.get("/v1/rollouts/t1.r2/kiosks");
        let late = kiosks["items"].as_array().unwrap().iter().find(|it| it["kiosk"] == "t1.late").cloned();
        late.is_some_and(|it| it["wave"] == 3)
    })
    .await;
}

/// Twenty kiosks of the database, two of which have the release for ten hours; what happened to one of the two and to one
/// of the others comes from `happened` (its placeholder is how often, to both together).
async fn a_worse_health_halts(happened: &str, few: (i64, &str), many: (i64, &str)) {
    let shop = Shop::new(1);
    let owner = shop.fleet.owner().await;
    owner
        .batch_execute(
            "INSERT INTO kiosk (id, tenant, site, is_on, last_seen) SELECT 't1.h' || n, 't1', 'main', true, now() FROM generate_series(1, 20) AS n;
             INSERT INTO update_state (kiosk, tenant, model, running, version, confirmed)
             SELECT 't1.h' || n, 't1', 'alder', 1, '1', 1 FROM generate_series(1, 20) AS n",
        )
        .await
        .unwrap();
    let operator = shop.operator();
    let args = ["rollout", "start", "id!=t1.k0001", "--release", "2", "--yes"];
    assert_eq!(operator.run(&args).good(), "t1.r1\n");
    let look = |count: i64| {
        format!(
            "UPDATE rollout_member SET phase = 'good', since = now() - interval '10 h' WHERE kiosk IN ('t1.h1', 't1.h2');
             DELETE FROM kiosk_start; DELETE FROM payment; DELETE FROM sale; {};
             UPDATE rollout SET memory = memory || '{{\"health_looked_s\": 0}}'",
            happened.replace("$1", &count.to_string())
        )
    };
    let looked = async || {
        let sql = "SELECT (memory->>'health_looked_s')::bigint > 0 FROM rollout";
        owner.query_one(sql, &[]).await.unwrap().get::<_, bool>(0)
    };
    owner.batch_execute(&look(few.0)).await.unwrap();
    eventually("it has looked", looked).await;
    assert_eq!(shop.rollout("t1.r1")["state"], "running", "{}", few.1);
    owner.batch_execute(&look(many.0)).await.unwrap();
    shop.stands("t1.r1", "halted").await;
    let why = shop.rollout("t1.r1")["why"]["health"].as_str().unwrap().to_owned();
    assert!(why.contains(many.1), "{why}");
}

#[tokio::test]
async fn kiosks_that_start_anew_more_often_with_a_release_halt_it() {
    more_starts_halt(true, "the daemon starts anew more often: 15 with the release, 15 without").await;
}

#[tokio::test]
async fn kiosks_that_lose_their_connection_more_often_with_a_release_halt_it() {
    more_starts_halt(false, "the connection is lost more often: 15 with the release, 15 without").await;
}

async fn more_starts_halt(boot: bool, why: &str) {
    let starts = format!(
        "INSERT INTO kiosk_start (kiosk, tenant, at, boot)
         SELECT CASE WHEN n % 2 = 0 THEN 't1.h1' ELSE 't1.h7' END, 't1', now() - interval '1 h', {boot}
         FROM generate_series(1, $1) AS n"
    );
    a_worse_health_halts(&starts, (4, "two and two say little"), (30, why)).await;
}

#[tokio::test]
async fn payments_that_fail_more_often_with_a_release_halt_it() {
    // As many payments with the release as without; with it they fail, without it one in ten does.
    let payments = "INSERT INTO sale (id, tenant, site, kiosk, epoch, number, placed_at, business_date, mode, channel, currency,
            exponent, total, catalog_rev, state, lines)
        SELECT gen_random_uuid(), 't1', 'main', CASE WHEN n % 2 = 0 THEN 't1.h1' ELSE 't1.h7' END, 1, n::text, now() - interval '1 h',
            current_date, 'eat_in', 'kiosk', 'EUR', 2, 100, 1, 'placed', '[]' FROM generate_series(1, $1) AS n;
        INSERT INTO payment (id, tenant, kiosk, sale, tender, amount, tip, state)
        SELECT gen_random_uuid(), 't1', kiosk, id, 'card', 100, 0,
            CASE WHEN kiosk = 't1.h1' OR number::int % 20 = 1 THEN 'declined' ELSE 'completed' END FROM sale";
    let halts = (60, "payments fail more often: 30 with the release, 3 without");
    a_worse_health_halts(payments, (4, "two and two say little"), halts).await;
}

#[tokio::test]
async fn a_kiosk_gets_its_turn_in_the_window_and_not_while_the_rollout_is_paused_and_its_silence_is_a_failure()
 {
    let shop = Shop::new(1);
    let (operator, owner) = (shop.operator(), shop.fleet.owner().await);
    let start = [&START[..], &["25", "--window", "00:00-23:59"]].concat();
    eventually("it starts", async || operator.run(&start).code == 0).await;
    // A window that is never open: minutes of the day are less than 1440.
    owner.batch_execute("UPDATE rollout SET win_from = 1440, win_to = 1441").await.unwrap();
    shop.assigned(0).await;
    shop.is_at(0, "t1.r1", "installed");
    let heard = async || shop.rollout("t1.r1")["kiosks"].to_string().contains("assigned");
    eventually("it is heard", heard).await;
    let waits = async |why: &str| {
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        assert!(!shop.has_turn(0), "{why}");
    };
    waits("outside the window").await;
    operator.run(&["rollout", "pause", "t1.r1"]).good();
    shop.stands("t1.r1", "paused").await;
    owner.batch_execute("UPDATE rollout SET win_from = NULL, win_to = NULL").await.unwrap();
    waits("while it is paused").await;
    operator.run(&["rollout", "resume", "t1.r1"]).good();
    eventually("it has its turn", async || shop.has_turn(0)).await;
    // Paused, it is waited for; and whoever then says nothing has failed.
    operator.run(&["rollout", "pause", "t1.r1"]).good();
    shop.is_at(0, "t1.r1", "trial_boot");
    let long_ago = "UPDATE rollout_member SET since = now() - interval '1 day' WHERE phase = 'switching'";
    owner.batch_execute(long_ago).await.unwrap();
    let silent = async || {
        let sql = "SELECT phase || ' ' || coalesce(reason, '') FROM rollout_member";
        owner.query_one(sql, &[]).await.unwrap().get::<_, String>(0) == "bad silent"
    };
    eventually("silence is a verdict", silent).await;
}

#[tokio::test]
async fn frozen_updates_stand_still_until_somebody_lets_them_go_on() {
    let shop = Shop::new(1);
    let operator = shop.operator();
    let start = [&START[..], &["25"]].concat();
    eventually("it starts", async || operator.run(&start).code == 0).await;
    shop.assigned(0).await;
    operator.run(&["rollout", "freeze", "--reason", "a stolen key"]).good();
    eventually("all kiosks are told", async || shop.halted() == ["*"]).await;
    shop.is_at(0, "t1.r1", "installed");
    let heard = async || shop.fleet.get("/v1/rollouts/t1.r1/kiosks").to_string().contains("installed");
    eventually("it is heard", heard).await;
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    assert!(!shop.has_turn(0), "a turn while all is frozen");
    for command in [&["rollout", "list"][..], &["rollout", "show", "t1.r1"]] {
        let said = operator.run(command);
        assert!(
            said.err.contains("frozen") && said.err.contains("a stolen key"),
            "{command:?}: {}",
            said.err
        );
    }
    for command in ["status", "doctor"] {
        let said = operator.run(&[command]);
        let both = ["frozen", "fleetctl rollout unfreeze"].iter().all(|words| said.out.contains(words));
        assert!(both, "{command}: {}", said.out);
    }
    assert_ne!(operator.run(&["rollout", "unfreeze"]).code, 0, "nobody has confirmed it");
    operator.run(&["rollout", "unfreeze", "--yes"]).good();
    eventually("it has its turn", async || shop.has_turn(0)).await;
    assert!(shop.halted().is_empty());
    assert!(!operator.run(&["status"]).out.contains("frozen"));
    let noted = shop.fleet.get("/v1/audit").to_string();
    assert!(noted.contains("updates.freeze") && noted.contains("updates.unfreeze"), "{noted}");
}
