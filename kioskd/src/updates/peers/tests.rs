//! Kiosks of one site, on the loopback.
#![expect(clippy::disallowed_methods, reason = "tasks and threads of a test end with it")]

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::path::Path;

use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

const FILE: &str = "images/0123/full.kot";

fn piece(at: u64) -> Piece<'static> {
    Piece { path: FILE, at, length: 64, ahead: 0 }
}

/// A group that nobody else on this machine speaks to.
fn group() -> SocketAddrV4 {
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    SocketAddrV4::new(Ipv4Addr::new(239, 255, 47, 77), port)
}

async fn kiosk(dir: &Path, group: SocketAddrV4) -> Peers {
    let settings = settings::Peers { listen: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0), group, keep_mb: 1 };
    let clock = ShopClock::new(jiff::tz::TimeZone::UTC, 4);
    let (peers, running) = Peers::start(&settings, dir.to_owned(), clock).await.unwrap();
    tokio::spawn(running);
    peers
}

/// Answers every question about the file, and every request with these bytes. Whoever is told of it was asked for a piece.
async fn stranger(group: SocketAddrV4, answer: &'static [u8]) -> tokio::sync::mpsc::Receiver<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, told) = tokio::sync::mpsc::channel(100);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            asked.try_send(()).ok();
            tokio::spawn(async move {
                let mut request = [0; 1024];
                while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
                    drop(stream.write_all(answer).await);
                }
            });
        }
    });
    let heard = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    heard.set_reuse_address(true).unwrap();
    heard.bind(&group.into()).unwrap();
    let heard = UdpSocket::from(heard);
    heard.join_multicast_v4(group.ip(), &Ipv4Addr::LOCALHOST).unwrap();
    std::thread::spawn(move || {
        let mut word = [0; 1024];
        while let Ok((_, from)) = heard.recv_from(&mut word) {
            let answer =
                format!(r#"{{"v":1,"id":"stranger","file":"{FILE}","has":99,"port":{port},"answer":true}}"#);
            drop(UdpSocket::bind("127.0.0.1:0").unwrap().send_to(answer.as_bytes(), from));
        }
    });
    told
}

#[tokio::test]
async fn what_one_kiosk_has_fetched_another_one_gets_from_it_and_from_nobody_what_nobody_has() {
    let (dir, group) = (tempfile::tempdir().unwrap(), group());
    let mut first = kiosk(&dir.path().join("a"), group).await;
    assert_eq!(first.read(&piece(0)).await, None, "nobody is there");
    for at in [0, 64] {
        first.keep(piece(at), vec![u8::try_from(at).unwrap(); 64]).await;
    }
    first.keep(piece(128), b"the end".to_vec()).await;
    first.rest();
    let mut second = kiosk(&dir.path().join("b"), group).await;
    for at in [0, 64] {
        assert_eq!(second.read(&piece(at)).await, Some(vec![u8::try_from(at).unwrap(); 64]));
    }
    assert_eq!(second.read(&piece(128)).await.as_deref(), Some(b"the end".as_slice()));
    assert_eq!(second.read(&piece(192)).await, None);
    assert_eq!(second.read(&Piece { path: "images/other/full.kot", ..piece(0) }).await, None);
}

#[tokio::test]
async fn of_two_who_fetch_the_same_the_later_one_waits_for_the_earlier_one_and_not_for_ever() {
    let (dir, group) = (tempfile::tempdir().unwrap(), group());
    let mut first = kiosk(&dir.path().join("a"), group).await;
    let mut second = kiosk(&dir.path().join("b"), group).await;
    assert_eq!(first.read(&piece(0)).await, None, "it asks the fleet");
    let fetched = async {
        sleep(Duration::from_secs(1)).await;
        first.keep(piece(0), b"from the fleet".to_vec()).await;
        assert_eq!(first.read(&piece(64)).await, None, "it does not wait for who waits for it");
    };
    let wanted = piece(0);
    let (got, ()) = tokio::join!(second.read(&wanted), fetched);
    assert_eq!(got.as_deref(), Some(b"from the fleet".as_slice()));
    let began = Instant::now();
    assert_eq!(second.read(&piece(64)).await, None, "the first one is stuck");
    assert!(
        (FOLLOW - Duration::from_secs(1)..FOLLOW * 2).contains(&began.elapsed()),
        "{:?}",
        began.elapsed()
    );
    let began = Instant::now();
    assert_eq!(second.read(&piece(128)).await, None);
    assert!(began.elapsed() < Duration::from_secs(2), "and is not waited for again");
}

#[tokio::test]
async fn a_neighbour_that_gives_wrong_pieces_is_not_asked_again() {
    let (dir, group) = (tempfile::tempdir().unwrap(), group());
    let wrong = b"HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\nwrong";
    let mut asked = stranger(group, wrong).await;
    let mut kiosk = kiosk(dir.path(), group).await;
    assert!(!kiosk.was_wrong());
    assert_eq!(kiosk.read(&piece(0)).await.as_deref(), Some(b"wrong".as_slice()));
    assert!(kiosk.was_wrong());
    asked.recv().await.unwrap();
    sleep(Duration::from_secs(3)).await;
    assert_eq!(kiosk.read(&piece(0)).await, None);
    assert!(asked.try_recv().is_err(), "nothing more is asked of it");
}

#[tokio::test]
async fn neighbours_that_send_too_much_or_nonsense_or_nothing_are_left() {
    for answer in [
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 99999999\r\n\r\nand so on".as_slice(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nall",
        b"220 mail.example ESMTP\r\n",
        b"",
    ] {
        let (dir, group) = (tempfile::tempdir().unwrap(), group());
        let mut asked = stranger(group, answer).await;
        let mut kiosk = kiosk(dir.path(), group).await;
        let began = Instant::now();
        assert_eq!(kiosk.read(&piece(0)).await, None, "{answer:?}");
        asked.recv().await.unwrap();
        assert!(began.elapsed() < PIECE_WITHIN * 2);
        assert_eq!(kiosk.read(&piece(0)).await, None);
        assert!(asked.try_recv().is_err(), "nothing more is asked of it");
    }
}

#[tokio::test]
async fn a_crowd_of_invented_neighbours_costs_a_few_questions() {
    let (dir, group) = (tempfile::tempdir().unwrap(), group());
    let mut crowd = Vec::new();
    for _ in 0..30 {
        crowd.push(stranger(group, b"go away\r\n\r\n").await);
    }
    let mut kiosk = kiosk(dir.path(), group).await;
    for at in 0..20 {
        assert_eq!(kiosk.read(&piece(at * 64)).await, None);
    }
    let asked: u32 = crowd.iter_mut().map(|it| u32::from(it.try_recv().is_ok())).sum();
    assert!((1..FAULTS_MAX + 4).contains(&asked), "{asked}");
}

#[tokio::test]
async fn nonsense_from_the_network_changes_nothing() {
    let (dir, group) = (tempfile::tempdir().unwrap(), group());
    let first = kiosk(&dir.path().join("a"), group).await;
    first.keep(piece(0), b"here".to_vec()).await;
    let loud = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket2::SockRef::from(&loud).set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    let later = format!(r#"{{"v":2,"id":"later","file":"{FILE}","has":9,"port":1}}"#);
    for word in [b"".as_slice(), b"{", &[0xFF; 1400], later.as_bytes()] {
        loud.send_to(word, group).unwrap();
    }
    loud.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    assert!(loud.recv_from(&mut [0; 2048]).is_err(), "none of it is answered");
    let mut second = kiosk(&dir.path().join("b"), group).await;
    assert_eq!(second.read(&piece(0)).await.as_deref(), Some(b"here".as_slice()));
}
