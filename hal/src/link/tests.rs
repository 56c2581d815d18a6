use std::os::fd::OwnedFd;

use proptest::prelude::*;
use tokio::net::TcpListener;

use super::*;

/// Far longer than anything here takes; only a hang reaches it.
const LIMIT: Duration = Duration::from_secs(10);

/// A pseudo terminal: its controlling end as a file, and the path of the other end.
fn pty() -> (OwnedFd, String) {
    let pty = nix::pty::openpty(None, None).unwrap();
    let path = nix::unistd::ttyname(&pty.slave).unwrap();
    (pty.master, path.to_str().unwrap().to_owned())
}

async fn write_from_master(master: &OwnedFd, bytes: &'static [u8]) {
    let mut file = std::fs::File::from(master.try_clone().unwrap());
    tokio::task::spawn_blocking(move || io::Write::write_all(&mut file, bytes)).await.unwrap().unwrap();
}

#[test]
fn endpoints_of_the_settings_are_understood() {
    let tcp: Endpoint = "tcp://127.0.0.1:9100".parse().unwrap();
    assert_eq!(tcp, Endpoint::Tcp { host: "127.0.0.1".into(), port: 9100 });
    assert_eq!("tcp://[::1]:20007".parse::<Endpoint>().unwrap().to_string(), "tcp://[::1]:20007");

    let serial: Endpoint = "serial:///dev/kiosk/printer?baud=115200&flow=none".parse().unwrap();
    assert_eq!(serial, Endpoint::Serial(SerialLine::new("/dev/kiosk/printer", 115_200)));
    let terminal: Endpoint =
        "serial:///dev/kiosk/payment?baud=9600&bits=8&parity=none&stop=2".parse().unwrap();
    assert_eq!(terminal.to_string(), "serial:///dev/kiosk/payment?baud=9600&stop=2");
}

#[test]
fn endpoints_that_cannot_work_are_refused_with_what_to_write() {
    let refused = |text: &str| text.parse::<Endpoint>().unwrap_err().to_string();
    assert!(refused("/dev/ttyUSB0").contains("serial:///dev/NAME"));
    assert!(refused("tcp://:9100").contains("tcp://HOST:PORT"));
    assert!(refused("tcp://a:0").contains("1 to 65535"));
    assert!(refused("tcp://fe80::1:9100").contains("tcp://HOST:PORT"));
    assert!(refused("serial://ttyS0").contains("three slashes"));
    assert!(refused("serial:///dev/a?baud=12").contains("300"));
    assert!(refused("serial:///dev/a?speed=9600").contains("baud, bits, parity"));
}

#[test]
fn pauses_double_to_ten_seconds_and_good_service_forgets_failures() {
    let mut backoff = Backoff::new();
    let middle = 200; // of 0..=400: no jitter
    let pauses: Vec<u128> = (0..8).map(|_| backoff.pause_after(Duration::ZERO, middle).as_millis()).collect();
    assert_eq!(pauses, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    assert_eq!(backoff.pause_after(Duration::from_secs(29), middle).as_millis(), 10_000);
    assert_eq!(backoff.pause_after(Duration::from_secs(30), middle).as_millis(), 200);
    assert_eq!(backoff.pause_after(Duration::ZERO, 0).as_millis(), 320, "a fifth less");
    assert_eq!(backoff.pause_after(Duration::ZERO, 400).as_millis(), 960, "a fifth more");
}

proptest! {
    #[test]
    fn any_accepted_endpoint_survives_being_written_and_read(text in "(tcp|serial)://.{0,40}") {
        if let Ok(endpoint) = text.parse::<Endpoint>() {
            prop_assert_eq!(endpoint.to_string().parse::<Endpoint>().unwrap(), endpoint);
        }
    }

    #[test]
    fn pauses_stay_within_their_bounds(served in proptest::collection::vec(0_u64..60, 1..50), random: u64) {
        let mut backoff = Backoff::new();
        for seconds in served {
            let pause = backoff.pause_after(Duration::from_secs(seconds), random);
            prop_assert!((160..=12_000).contains(&pause.as_millis()));
        }
    }
}

#[tokio::test]
async fn bytes_travel_both_ways_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::Tcp { host: "127.0.0.1".into(), port: listener.local_addr().unwrap().port() };
    let (link, accepted) = tokio::join!(Link::open(&endpoint, LIMIT), listener.accept());
    let (mut link, mut peer) = (link.unwrap(), accepted.unwrap().0);

    link.send(b"hello", LIMIT).await.unwrap();
    let mut five = [0; 5];
    peer.read_exact(&mut five).await.unwrap();
    assert_eq!(&five, b"hello");
    peer.write_all(b"yes").await.unwrap();
    let mut buffer = [0; 16];
    let n = link.receive(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..n], b"yes");
    assert_eq!(link.traffic(), Traffic { bytes_in: 3, bytes_out: 5 });

    drop(peer);
    assert!(matches!(link.receive(&mut buffer).await, Err(LinkError::Closed { .. })));
}

#[tokio::test]
async fn nobody_listening_is_an_absent_device() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::Tcp { host: "127.0.0.1".into(), port: listener.local_addr().unwrap().port() };
    drop(listener);
    assert!(matches!(Link::open(&endpoint, LIMIT).await, Err(LinkError::Absent { .. })));
    let serial = Endpoint::Serial(SerialLine::new("/dev/there-is-no-such-port", 9600));
    let error = Link::open(&serial, LIMIT).await.unwrap_err();
    assert!(matches!(error, LinkError::Absent { .. }), "{error:?}");
    assert!(error.to_string().contains("/dev/there-is-no-such-port"));
}

#[tokio::test]
async fn a_pty_serves_as_serial_port_and_starts_quiet() {
    let (master, path) = pty();
    // Raw from the start, or the fresh pty would echo the stale bytes back to us.
    let mut raw = nix::sys::termios::tcgetattr(&master).unwrap();
    nix::sys::termios::cfmakeraw(&mut raw);
    nix::sys::termios::tcsetattr(&master, nix::sys::termios::SetArg::TCSANOW, &raw).unwrap();
    write_from_master(&master, b"stale").await;

    let endpoint = Endpoint::Serial(SerialLine::new(path, 9600));
    let mut link = Link::open(&endpoint, LIMIT).await.unwrap();
    write_from_master(&master, b"fresh").await;
    let mut buffer = [0; 16];
    let mut got = Vec::new();
    while got.len() < 5 {
        let n = tokio::time::timeout(LIMIT, link.receive(&mut buffer)).await.unwrap().unwrap();
        got.extend_from_slice(&buffer[..n]);
    }
    assert_eq!(got, b"fresh");
}

#[tokio::test]
async fn a_serial_port_cannot_be_opened_twice_and_unplugging_ends_the_link() {
    let (master, path) = pty();
    let endpoint = Endpoint::Serial(SerialLine::new(path, 9600));
    let mut link = Link::open(&endpoint, LIMIT).await.unwrap();
    let second = Link::open(&endpoint, LIMIT).await.unwrap_err();
    assert!(matches!(second, LinkError::Busy { .. }), "{second:?}");

    drop(master);
    let mut buffer = [0; 16];
    let ended = tokio::time::timeout(LIMIT, link.receive(&mut buffer)).await.unwrap();
    assert!(matches!(ended, Err(LinkError::Closed { .. } | LinkError::Read { .. })), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_takes_nothing_hits_the_write_deadline() {
    let (ours, _theirs) = tokio::io::duplex(4);
    let mut link = Link::over(ours, "stuck printer");
    match link.send(b"0123456789", Duration::from_secs(5)).await {
        Err(LinkError::WriteTimeout { accepted: 4, total: 10, peer, .. }) => {
            assert_eq!(peer, "stuck printer")
        }
        other => panic!("{other:?}"),
    }
}
