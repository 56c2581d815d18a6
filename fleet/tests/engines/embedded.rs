//! The supervisor with the real engines: killed, frozen, stopped, started twice.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use fleet::embedded::{Embedded, EmbeddedError, GaveUp, Pids};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Base, LIMIT, connect, eventually};

fn signal(pid: Option<u32>, signal: Signal) {
    kill(Pid::from_raw(pid.expect("it runs").try_into().unwrap()), signal).unwrap();
}

async fn answers(embedded: &Embedded) -> bool {
    match connect(&embedded.engines().database.app).await {
        Ok(client) => client.simple_query("SELECT 1").await.is_ok(),
        Err(_) => false,
    }
}

/// Both run in new processes.
async fn healed(embedded: &Embedded, before: Pids, what: &str) {
    eventually(what, async || {
        let now = embedded.pids();
        let fresh = |now: Option<u32>, before| now.is_some() && now != before;
        fresh(now.postgres, before.postgres)
            && fresh(now.mosquitto, before.mosquitto)
            && answers(embedded).await
            && tokio::net::TcpStream::connect(embedded.engines().broker_internal).await.is_ok()
    })
    .await;
}

async fn row_count(database: &str) -> i64 {
    let client = connect(database).await.unwrap();
    client.query_one("SELECT count(*) FROM kept", &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_engines_come_back_with_all_that_was_committed_and_five_starts_in_vain_are_enough() {
    let base = Base::new();
    let embedded = base.start().await;
    let database = embedded.engines().database.clone();
    let owner = connect(&database.owner).await.unwrap();
    owner.batch_execute("CREATE TABLE kept (x int); GRANT SELECT ON kept TO fleet_app").await.unwrap();
    owner.batch_execute("INSERT INTO kept VALUES (1)").await.unwrap();

    let before = embedded.pids();
    signal(before.postgres, Signal::SIGKILL);
    signal(before.mosquitto, Signal::SIGKILL);
    healed(&embedded, before, "idle engines are running again").await;
    assert_eq!(row_count(&database.app).await, 1);

    // A backend that computes (one that sleeps would notice) outlives its parent and blocks new starts until it
    // is ended.
    let busy = connect(&database.app).await.unwrap();
    let query =
        tokio::spawn(async move { busy.simple_query("DO 'BEGIN LOOP END LOOP; END'").await.map(drop) });
    let watcher = connect(&database.app).await.unwrap();
    eventually("the query runs", async || {
        let text = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'DO %' AND state = 'active'";
        !watcher.query(text, &[]).await.unwrap().is_empty()
    })
    .await;
    let before = embedded.pids();
    signal(before.postgres, Signal::SIGKILL);
    signal(before.mosquitto, Signal::SIGKILL);
    healed(&embedded, before, "busy engines are running again").await;
    assert!(query.await.unwrap().is_err());
    assert_eq!(row_count(&database.app).await, 1);

    let failure = embedded.failure();
    let gave_up = async {
        loop {
            if let Some(pid) = embedded.pids().mosquitto {
                kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL).ok();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let GaveUp { engine, why, last_lines } = tokio::select! {
        gave_up = tokio::time::timeout(LIMIT, failure) => gave_up.expect("it gives up"),
        () = gave_up => unreachable!(),
    };
    assert_eq!((engine, why.as_str()), ("mosquitto", "was ended by SIGKILL"));
    assert!(last_lines.iter().any(|line| line.contains("mosquitto version")), "{last_lines:?}");
    assert_eq!(base.processes(), 0, "the other engine is stopped, too");
    embedded.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frozen_engines_are_noticed_and_replaced() {
    let base = Base::new();
    let embedded = base.start().await;
    let before = embedded.pids();
    signal(before.postgres, Signal::SIGSTOP);
    signal(before.mosquitto, Signal::SIGSTOP);
    healed(&embedded, before, "frozen engines were replaced").await;
    // Nor does a frozen engine hold up a stop.
    let before = embedded.pids();
    signal(before.postgres, Signal::SIGSTOP);
    signal(before.mosquitto, Signal::SIGSTOP);
    tokio::time::timeout(LIMIT, embedded.stop()).await.expect("it stops").unwrap();
    assert_eq!(base.processes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_leaves_no_process_and_a_new_start_finds_data_and_ports() {
    let base = Base::new();
    let embedded = base.start().await;
    let engines = embedded.engines().clone();
    let owner = connect(&engines.database.owner).await.unwrap();
    owner.batch_execute("CREATE TABLE kept (x int); INSERT INTO kept VALUES (1)").await.unwrap();
    let settings = "SELECT current_user::text, current_setting('is_superuser'), current_setting('fsync'), \
                    current_setting('synchronous_commit'), current_setting('data_checksums'), \
                    current_setting('listen_addresses')";
    let row = owner.query_one(settings, &[]).await.unwrap();
    let values: Vec<String> = (0..6).map(|column| row.get(column)).collect();
    assert_eq!(values, ["fleet_owner", "off", "on", "on", "on", ""]);
    let app = connect(&engines.database.app).await.unwrap();
    assert!(app.batch_execute("CREATE TABLE mine (x int)").await.is_err());
    let superuser = engines.database.owner.replace("fleet_owner", "fleet_admin");
    assert!(connect(&superuser).await.is_err());

    let second = Embedded::start(base.options()).await;
    let told = format!("in use by process {}", std::process::id());
    assert!(second.as_ref().is_err_and(|error| error.to_string().contains(&told)), "{second:?}");
    assert!(matches!(second, Err(EmbeddedError::InUse { .. })));
    assert!(answers(&embedded).await);
    limits_of_a_child(&embedded);
    nobody_else_gets_in(&base);

    embedded.stop().await.unwrap();
    assert_eq!(base.processes(), 0);
    assert!(owner.simple_query("SELECT 1").await.is_err());

    let again = base.start().await;
    assert_eq!(*again.engines(), engines);
    assert_eq!(row_count(&engines.database.owner).await, 1);
    again.stop().await.unwrap();

    std::fs::write(base.data().join("pg/PG_VERSION"), "12\n").unwrap();
    let error = Embedded::start(base.options()).await.unwrap_err().to_string();
    assert!(error.contains("PostgreSQL 12") && error.contains("pg_upgrade"), "{error}");
    assert_eq!(base.processes(), 0);
}

/// Many kiosks are many files.
fn limits_of_a_child(embedded: &Embedded) {
    let pid = embedded.pids().mosquitto.unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words[3], words[4], "{line}");
    // Ctrl-C is for us alone: a child that it ended first would be started again.
    let group = |pid: Option<Pid>| nix::unistd::getpgid(pid).unwrap();
    let child = Pid::from_raw(pid.try_into().unwrap());
    assert_ne!(group(Some(child)), group(None));
}

/// Run by root, the engines belong to another account, and so do their files.
fn nobody_else_gets_in(base: &Base) {
    use std::os::unix::process::CommandExt as _;
    let about = |name: &str| std::fs::metadata(base.data().join(name)).unwrap();
    for name in ["pg", "ca/kiosk-ca.key", "ca/kiosk.crl", "mosquitto/kiosk.acl", "ports.toml", "lock"] {
        assert_eq!(about(name).uid(), about(".").uid(), "{name}");
    }
    assert_eq!(about(".").mode() & 0o777, 0o700);
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    assert_ne!(about(".").uid(), 0);
    let nobody = Command::new("psql")
        .args(["-h", base.dir.path().join("run").to_str().unwrap(), "-U", "fleet_app", "fleet", "-c", ""])
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap();
    assert!(!nobody.status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_supervisor_takes_its_engines_along_and_the_next_one_starts_at_once() {
    let base = Base::new();
    killed_supervisor(&base);
    eventually("its engines ended by themselves", async || base.processes() == 0).await;
    killed_supervisor(&base);
    let embedded = base.start().await;
    assert!(answers(&embedded).await);
    embedded.stop().await.unwrap();
    assert_eq!(base.processes(), 0);
}

/// The program itself, killed when its engines are up.
fn killed_supervisor(base: &Base) {
    let mut supervisor = Command::new(env!("CARGO_BIN_EXE_fleetd"))
        .args(["embedded", "--kiosk-port", "0", "--internal-port", "0", "--data"])
        .arg(base.data())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(supervisor.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert!(ready.contains("ready"), "{ready:?}");
    assert!(base.processes() >= 2);
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
}

#[tokio::test]
async fn a_taken_port_and_a_foreign_folder_are_named_before_anything_runs() {
    let base = Base::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let options = fleet::embedded::Options { internal_port: port, ..base.options() };
    let error = Embedded::start(options).await.unwrap_err().to_string();
    assert!(error.contains(&format!("port {port} is in use")), "{error}");
    assert_eq!(base.processes(), 0);

    let foreign = Base::new();
    std::fs::create_dir(foreign.data()).unwrap();
    std::fs::write(foreign.data().join("thesis.odt"), "mine").unwrap();
    let owner = std::fs::metadata(foreign.data()).unwrap().uid();
    let error = Embedded::start(foreign.options()).await.unwrap_err();
    assert!(matches!(error, EmbeddedError::NotOurs { .. }), "{error}");
    assert_eq!(std::fs::metadata(foreign.data()).unwrap().uid(), owner);
    assert_eq!(std::fs::read_dir(foreign.data()).unwrap().count(), 1);
}
