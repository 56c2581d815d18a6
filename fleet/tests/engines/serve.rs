//! `fleetd serve` on a Mosquitto and a PostgreSQL that are not ours, as `docs/fleetd.md` tells a newcomer: its commands
//! run as they stand there. Programs that would change this machine are played by scripts of the same name.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::api::Fleet;
use crate::support::{Base, eventually};

const MANUAL: &str = include_str!("../../../docs/fleetd.md");

/// Programs that would change this machine. `sudo` only leaves itself out.
const PLAYED: [(&str, &str); 6] = [
    (
        "sudo",
        r#"while case $1 in -*) true;; *) false;; esac; do [ "$1" != -u ] || shift; shift; done; exec "$@""#,
    ),
    ("apt-get", "true"),
    ("useradd", "true"),
    ("install", r#"for last; do :; done; mkdir -p "$last""#),
    ("psql", r#"exec /usr/bin/psql -q -h "$HERE/run" -p "$POSTGRES" -U postgres -d postgres "$@""#),
    ("systemctl", r#"[ "$1" != reload ] || kill -HUP "$(cat "$HERE/mosquitto/pid")""#),
];

/// A machine with a broker and a database.
struct Machine {
    /// Until a replica has it.
    base: Option<Base>,
    dir: PathBuf,
    data: PathBuf,
    ports: [u16; 5],
    children: Vec<Child>,
}

impl Drop for Machine {
    fn drop(&mut self) {
        for child in &mut self.children {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Machine {
    fn new() -> Self {
        let base = Base::new();
        let free = |_| std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let ports = [0; 5].map(free).map(|listener| listener.local_addr().unwrap().port());
        let (dir, data) = (base.dir.path().to_owned(), base.data());
        let machine = Self { base: Some(base), dir, data, ports, children: Vec::new() };
        for dir in ["bin", "run", "etc/mosquitto/conf.d", "etc/sudoers.d", "etc/systemd/system", "mosquitto"]
        {
            fs::create_dir_all(machine.dir.join(dir)).unwrap();
        }
        for (name, script) in PLAYED {
            let path = machine.dir.join("bin").join(name);
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        machine
    }

    /// Text of the manual, for this machine.
    fn adapted(&self, text: &str) -> String {
        let [kiosks, internal, http, https, postgres] = self.ports;
        let here = self.dir.display().to_string();
        text.replace("/var/lib/fleetd", &self.data.display().to_string())
            .replace("/etc/", &format!("{here}/etc/"))
            .replace(
                "--name fleet.example",
                &format!(
                    "--name localhost --kiosk-port {kiosks} --internal-port {internal} --http-port {http} \
                     --https-port {https} --postgres-port {postgres}"
                ),
            )
            .replace("fleet.example:8443", &format!("localhost:{https}"))
    }

    /// Does what the commands below a heading of the manual say.
    fn follow(&self, heading: &str) {
        let (_, section) = MANUAL.split_once(&format!("\n## {heading}\n")).unwrap();
        let (_, block) = section.split_once("```sh\n").unwrap();
        self.run(block.split_once("\n```").unwrap().0);
    }

    /// Commands, each of which has to succeed.
    fn run(&self, script: &str) {
        let script = self.adapted(script);
        let output = self.shell(&script).output().unwrap();
        assert!(output.status.success(), "{script}\n{output:?}");
    }

    fn shell(&self, script: &str) -> Command {
        let here = &self.dir;
        let ours = Path::new(env!("CARGO_BIN_EXE_fleetd")).parent().unwrap();
        let path = format!("{}/bin:{}:/usr/sbin:/usr/bin:/sbin:/bin", here.display(), ours.display());
        let mut command = Command::new("/bin/bash");
        command.args(["-euo", "pipefail", "-c", script]).current_dir(here).env("PATH", path);
        command.env("HERE", here).env("POSTGRES", self.ports[4].to_string());
        command.env("XDG_CONFIG_HOME", here.join("home")).env_remove("FLEETCTL_URL");
        command
    }

    /// A database cluster as Debian makes one: passwords over TCP.
    async fn start_postgres(&mut self) {
        let (pg, run) = (self.dir.join("pg"), self.dir.join("run"));
        let versions = fs::read_dir("/usr/lib/postgresql").unwrap().flatten();
        let bin = versions.map(|version| version.path().join("bin")).max().unwrap();
        let root = nix::unistd::geteuid().is_root();
        let started = |program: &str| {
            let program = bin.join(program);
            if !root {
                return Command::new(program);
            }
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            command
        };
        if root {
            fs::create_dir(&pg).unwrap();
            let chown = Command::new("chown").arg("postgres").args([&pg, &run]).status().unwrap();
            assert!(chown.success());
        }
        let made = started("initdb")
            .arg("-D")
            .arg(&pg)
            .current_dir("/")
            .args(["-N", "-U", "postgres", "--auth-host=scram-sha-256", "--auth-local=trust"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let mut postgres = started("postgres");
        postgres.arg("-D").arg(&pg).args([
            "-p",
            &self.ports[4].to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
            "-k",
        ]);
        self.children.push(postgres.arg(&run).current_dir("/").stderr(Stdio::null()).spawn().unwrap());
        eventually("PostgreSQL is there", async || {
            self.shell("psql -c 'SELECT 1'").output().unwrap().status.success()
        })
        .await;
    }

    /// A broker as Debian configures it.
    fn start_mosquitto(&mut self) {
        let here = self.dir.display().to_string();
        let (config, own) = (self.dir.join("mosquitto.conf"), self.dir.join("mosquitto"));
        let text = format!(
            "pid_file {here}/mosquitto/pid\npersistence true\npersistence_location {here}/mosquitto/\n\
             log_dest stderr\ninclude_dir {here}/etc/mosquitto/conf.d\n"
        );
        fs::write(&config, text).unwrap();
        fs::set_permissions(&own, fs::Permissions::from_mode(0o777)).unwrap();
        let mut mosquitto = Command::new("/usr/sbin/mosquitto");
        self.children.push(mosquitto.arg("-c").arg(config).spawn().unwrap());
    }

    /// A start that must not succeed says all of these words.
    fn refuses(&self, words: &[&str]) {
        let said = self.refusal();
        assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
    }

    fn refusal(&self) -> String {
        let said = self.shell(&self.adapted("timeout 20 fleetd serve --config /var/lib/fleetd/fleetd.toml"));
        let output = { said }.stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains('\x1b'), "no colours where no terminal is: {said}");
        said
    }

    /// The replica that the unit of the manual starts.
    fn start_fleetd(&mut self) -> Fleet {
        let unit = fs::read_to_string(self.dir.join("etc/systemd/system/fleetd.service")).unwrap();
        let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
        let process = self.shell(&format!("exec {line}")).stdout(Stdio::piped()).spawn().unwrap();
        fs::write(self.data.join("ports.toml"), format!("kiosks = {}\n", self.ports[0])).unwrap();
        Fleet::ready(self.base.take().unwrap(), process)
    }
}

#[tokio::test]
async fn a_newcomer_gets_from_nothing_to_a_kiosk_by_the_manual() {
    let mut machine = Machine::new();
    machine.start_postgres().await;
    machine.follow("Prepare");
    machine.start_mosquitto();
    machine.follow("Start");
    let fleet = machine.start_fleetd();
    eventually("all is well", async || fleet.secure(None, "GET", "/healthz", &[]).0 == 200).await;
    machine.follow("The first kiosk");
    let id = fleet.kiosk("k", &json!({ "site": "main" }));
    let mut kiosk = fleet.machine("k", &id);
    let path = format!("/v1/kiosks/{id}/decommission");
    assert_eq!(fleet.send("POST", &path, &json!({ "reason": "stolen" })).0, 200);
    kiosk.is_thrown_out();
}

#[tokio::test]
async fn whatever_is_missing_is_told_with_its_place() {
    let mut machine = Machine::new();
    machine.refuses(&["fleetd.toml", "No such file"]);
    machine.run("fleetd init --dir /var/lib/fleetd --name fleet.example");
    let port = machine.ports[4].to_string();
    machine.refuses(&["database.owner", "fleet_owner at 127.0.0.1", &port, "refused"]);
    machine.start_postgres().await;
    machine.refuses(&["database.owner", "password authentication failed"]);

    machine.run("grep -v fleet_app /var/lib/fleetd/database.sql | psql -v ON_ERROR_STOP=1");
    machine.refuses(&["database.owner", "CREATE ROLE fleet_app"]);
    machine.run("grep fleet_app /var/lib/fleetd/database.sql | psql -v ON_ERROR_STOP=1");
    machine.run("cp /var/lib/fleetd/fleetd.toml good; sed -i s/user=fleet_app/user=fleet_other/ /var/lib/fleetd/fleetd.toml");
    machine.refuses(&["database.app", "fleet_other"]);
    machine.run("psql -c 'ALTER ROLE fleet_app BYPASSRLS'; cp good /var/lib/fleetd/fleetd.toml");
    machine.refuses(&["database.app", "fleet_app is not to be used", "BYPASSRLS"]);
    machine.run(
        "psql -c 'ALTER ROLE fleet_app NOBYPASSRLS'; mv /var/lib/fleetd/ca/kiosk-ca.key /var/lib/fleetd/key",
    );
    machine.refuses(&["no authorities in", "fleetd init", "kiosk-ca.key"]);
}

/// An authority, a certificate for `localhost`, and a server that takes nobody in who does not encrypt.
const TLS_ONLY: &str = r#"
umask 022
mkdir tls
for name in ours other; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$name" \
        -keyout tls/$name.key -out tls/$name.pem 2>/dev/null
done
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -keyout pg/server.key -out tls/server.csr 2>/dev/null
openssl x509 -req -in tls/server.csr -CA tls/ours.pem -CAkey tls/ours.key -days 2 -copy_extensions copy \
    -out pg/server.crt 2>/dev/null
chown --reference=pg pg/server.*
chmod 600 pg/server.key
printf 'local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n' >pg/pg_hba.conf
psql -c 'ALTER SYSTEM SET ssl = on'
psql -c 'SELECT pg_reload_conf()' >/dev/null
"#;

#[tokio::test]
async fn the_way_to_a_database_is_encrypted_and_the_server_proves_its_name() {
    let mut machine = Machine::new();
    machine.start_postgres().await;
    machine.follow("Prepare");
    machine.start_mosquitto();
    machine.run(TLS_ONLY);
    machine.refuses(&["database.owner", "no encryption"]);
    let ca =
        |name: &str| format!("sed -i '/^app = /a ca = \"'$HERE/tls/{name}'\"' /var/lib/fleetd/fleetd.toml");
    machine.run(&format!("cp /var/lib/fleetd/fleetd.toml plain; {}", ca("nothing.pem")));
    machine.refuses(&["database", "nothing.pem"]);
    machine.run(&format!("cp plain /var/lib/fleetd/fleetd.toml; {}", ca("ours.pem")));
    machine.refuses(&["database.owner", "certificate", "not valid for"]);
    machine.run("sed -i s/host=127.0.0.1/host=localhost/ plain");
    machine.run(&format!("cp plain /var/lib/fleetd/fleetd.toml; {}", ca("other.pem")));
    machine.refuses(&["database.owner", "authority that is not known here"]);

    machine.run(&format!("cp plain /var/lib/fleetd/fleetd.toml; {}", ca("ours.pem")));
    machine.follow("Start");
    let fleet = machine.start_fleetd();
    eventually("all is well", async || fleet.secure(None, "GET", "/healthz", &[]).0 == 200).await;
    let encrypted = "SELECT count(*) > 2 AND bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE usename ~ '^fleet'";
    let said = machine.shell(&format!("psql -At -c \"{encrypted}\"")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), "t", "{said:?}");

    // A crash of the server ends all connections without a word.
    for _ in 0..2 {
        let one = "SELECT pid FROM pg_stat_activity WHERE usename ~ '^fleet' ORDER BY random() LIMIT 1";
        machine.run(&format!("kill -9 $(psql -At -c \"{one}\")"));
        eventually("all is well again", async || fleet.secure(None, "GET", "/healthz", &[]).0 == 200).await;
    }
}
