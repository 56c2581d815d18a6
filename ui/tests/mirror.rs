//! The mirror from outside: real sockets, a real screen on its own thread, and a client that knows only the
//! protocol's description.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

#[path = "mirror/browser.rs"]
mod browser;
#[path = "mirror/kiosk.rs"]
mod kiosk;
#[path = "mirror/visitor.rs"]
mod visitor;

use std::time::Duration;

use browser::Browser;
use kiosk::{Intent, Kiosk, LIMIT};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::StatusCode;
use ui::backend::mirror::{Compression, Mirror, MirrorError};
use visitor::{Event, Knock, Visitor, come_back, enter, knock};

const GREEN: [u8; 3] = [0, 255, 0];
const RED: [u8; 3] = [255, 0, 0];

async fn kiosk() -> Kiosk {
    Kiosk::start(Compression::None, 64).await
}

async fn controller(kiosk: &Kiosk) -> Visitor {
    let visitor = enter(kiosk.address, kiosk.token().reveal()).await;
    assert_eq!(visitor.role, "control");
    visitor
}

/// The picture is complete once nothing differs from the screen; panics after the usual limit.
async fn until_same_picture(kiosk: &Kiosk, visitor: &mut Visitor) {
    let mut snapshot = kiosk.snapshot();
    while visitor.canvas != snapshot {
        visitor.next().await;
        snapshot = kiosk.snapshot();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_frame_is_full_and_shows_the_screen() {
    let kiosk = kiosk().await;
    kiosk.publish("menu", 3, 0x12_3456);
    let mut visitor = controller(&kiosk).await;
    visitor.until(|visitor| !visitor.frames.is_empty()).await;
    assert!(visitor.frames[0].full);
    assert_eq!(visitor.frames[0].seq, 1);
    assert!(visitor.frames[0].rendered_at_us > 0);
    visitor.until_screen(3).await;
    assert!(visitor.canvas == kiosk.snapshot(), "a page is told after its pixels");
    assert_eq!(visitor.screen, json!({"t": "screen", "id": "menu", "rev": 3, "say": "This is menu"}));
    assert_eq!(visitor.pixel(60, 190), [0x12, 0x34, 0x56]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_press_comes_back_as_pixels_that_confirm_its_number_and_as_an_intent() {
    let kiosk = kiosk().await;
    kiosk.publish("menu", 1, 0);
    let mut visitor = controller(&kiosk).await;
    visitor.until_screen(1).await;
    visitor.touch("down", 30.0, 20.0, 17).await;
    visitor.until(|visitor| visitor.pixel(30, 20) == RED).await;
    let frame = visitor.frames.last().unwrap();
    assert_eq!(frame.applied, 17);
    assert!(!frame.full);
    visitor.touch("up", 30.0, 20.0, 18).await;
    visitor.until(|visitor| visitor.pixel(30, 20) == GREEN).await;
    assert_eq!(kiosk.intent(), Intent::Tapped);
    until_same_picture(&kiosk, &mut visitor).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replaying_all_frames_gives_the_picture_of_the_screen_plain_and_deflated() {
    for compression in [Compression::None, Compression::Deflate] {
        let kiosk = Kiosk::start(compression, 64).await;
        let mut visitor = controller(&kiosk).await;
        let mut random = 42_u32;
        for n in 1..=60 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            kiosk.publish("menu", n, random >> 8);
            let (x, y) = (f32::from((random >> 8).to_le_bytes()[0]) % 120.0, 20.0);
            visitor.touch("down", x, y, 2 * u32::try_from(n).unwrap()).await;
            visitor.touch("up", x, y, 2 * u32::try_from(n).unwrap() + 1).await;
            if n % 7 == 0 {
                visitor.next().await;
            }
        }
        visitor.until_screen(60).await;
        until_same_picture(&kiosk, &mut visitor).await;
        let deflated = visitor.frames.iter().any(|frame| frame.deflated > 0);
        assert_eq!(deflated, compression == Compression::Deflate);
        assert!(visitor.frames.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_visitor_gets_one_frame_at_a_time_and_then_the_newest_pixels() {
    let kiosk = kiosk().await;
    let mut visitor = controller(&kiosk).await;
    visitor.until(|visitor| !visitor.frames.is_empty()).await;
    until_same_picture(&kiosk, &mut visitor).await;
    visitor.stop_acknowledging();
    let before = visitor.frames.len();
    for n in 1..=40 {
        kiosk.publish("menu", n, u32::try_from(n).unwrap());
        // Each of these is drawn, so a queue would have forty frames.
        kiosk.until_drawn(n).await;
    }
    while let Some(event) = visitor.next_within(Duration::from_millis(200)).await {
        assert!(!matches!(event, Event::Closed));
    }
    assert_eq!(visitor.frames.len(), before + 1, "one unacknowledged frame, not a queue");
    let seq = visitor.frames.last().unwrap().seq;
    visitor.acknowledge(seq).await;
    visitor.until(|visitor| visitor.frames.len() == before + 2).await;
    assert_eq!(visitor.pixel(60, 190), [0, 0, 40]);
    assert!(visitor.canvas == kiosk.snapshot());
    visitor.acknowledge(seq + 1).await;
    visitor.until_screen(40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_own_name_and_the_own_page_lead_to_the_socket() {
    let kiosk = kiosk().await;
    let at = kiosk.address;
    let port = at.port();
    let refused = |knock: Knock| async move { self::knock(at, knock).await.err() };
    let forbidden = Some(StatusCode::FORBIDDEN);
    let proper = || Knock::properly(at);

    let rebound = format!("kiosk.evil.example:{port}");
    for host in
        [rebound.clone(), "127.0.0.1".into(), format!("127.0.0.1:{}", port ^ 1), format!("[::1]:{port}")]
    {
        let knock = Knock { host: Some(host.clone()), origin: Some(format!("http://{host}")), ..proper() };
        assert_eq!(refused(knock).await, forbidden, "{host}");
    }
    for origin in [
        None,
        Some("null".to_owned()),
        Some(format!("http://{rebound}")),
        Some(format!("https://127.0.0.1:{port}")),
        // The other name of the same place is another origin for the browser.
        Some(format!("http://localhost:{port}")),
    ] {
        let knock = Knock { origin: origin.clone(), ..proper() };
        assert_eq!(refused(knock).await, forbidden, "{origin:?}");
    }
    let knock = Knock { protocol: None, ..proper() };
    assert_eq!(refused(knock).await, Some(StatusCode::BAD_REQUEST));
    let localhost = Knock {
        host: Some(format!("localhost:{port}")),
        origin: Some(format!("http://localhost:{port}")),
        ..proper()
    };
    assert_eq!(refused(localhost).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_sent_away_with_a_reason_and_five_wrong_tokens_shut_the_door() {
    let kiosk = kiosk().await;
    let at = kiosk.address;
    let token = kiosk.token();

    let mut silent = knock(at, Knock::properly(at)).await.unwrap();
    assert_eq!(silent.until_bye().await, "token", "nobody may stay without saying hello");

    let mut ancient = knock(at, Knock::properly(at)).await.unwrap();
    ancient.say(json!({"t": "hello", "v": 2, "token": token.reveal()})).await;
    assert_eq!(ancient.until_bye().await, "version");

    for hello in [
        json!({"t": "hello", "v": 1, "token": "AAAAAAAAAAAAAAAAAAAAAA"}),
        json!({"t": "hello", "v": 1, "resume": token.reveal()}),
        json!({"t": "hello", "v": 1}),
        json!({"t": "down", "x": 1, "y": 1, "n": 1}),
        json!("hello"),
    ] {
        let mut stranger = knock(at, Knock::properly(at)).await.unwrap();
        stranger.say(hello).await;
        assert_eq!(stranger.until_bye().await, "token");
    }
    let shut = knock(at, Knock::properly(at)).await.err();
    assert_eq!(shut, Some(StatusCode::SERVICE_UNAVAILABLE));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_beyond_the_limit_or_the_protocol_end_the_session() {
    let kiosk = kiosk().await;
    let at = kiosk.address;
    let long = format!(r#"{{"t":"ack","seq":1,"padding":"{}"}}"#, "x".repeat(4096));
    let mut chatty = controller(&kiosk).await;
    chatty.say_raw(Message::text(long)).await;
    chatty.until_closed().await;

    let mut binary = come_back(at, &chatty.resume).await;
    binary.say_raw(Message::binary(vec![1, 2, 3])).await;
    binary.until_closed().await;

    let mut garbled = come_back(at, &chatty.resume).await;
    garbled.say_raw(Message::text("{\"t\":\"down\",\"x\":")).await;
    assert_eq!(garbled.until_bye().await, "closed");

    let mut tolerant = come_back(at, &chatty.resume).await;
    tolerant.say(json!({"t": "sing", "song": "later"})).await;
    tolerant.say(json!({"t": "key", "k": "MediaPlayPause", "down": true})).await;
    tolerant.until(|visitor| !visitor.frames.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_resumes_its_seat_and_a_second_tab_ends_the_first() {
    let kiosk = kiosk().await;
    let at = kiosk.address;
    let token = kiosk.token();
    let first = enter(at, token.reveal()).await;
    let resume = first.resume.clone();
    drop(first);
    let mut reloaded = come_back(at, &resume).await;
    assert_eq!(reloaded.role, "control");
    reloaded.until(|visitor| !visitor.frames.is_empty()).await;
    assert!(reloaded.frames[0].full);

    let second_tab = come_back(at, &resume).await;
    assert_eq!(second_tab.role, "control");
    assert_eq!(reloaded.until_bye().await, "closed");

    let mut burnt = knock(at, Knock::properly(at)).await.unwrap();
    burnt.say(json!({"t": "hello", "v": 1, "token": token.reveal()})).await;
    assert_eq!(burnt.until_bye().await, "token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_hello_on_the_same_socket_brings_a_full_picture() {
    let kiosk = kiosk().await;
    kiosk.publish("menu", 1, 0x33_4455);
    let mut visitor = controller(&kiosk).await;
    visitor.until_screen(1).await;
    until_same_picture(&kiosk, &mut visitor).await;
    let resume = visitor.resume.clone();
    visitor.stop_acknowledging();
    visitor.say(json!({"t": "hello", "v": 1, "resume": resume})).await;
    visitor.until_welcome().await;
    assert_eq!(visitor.resume, resume);
    until_same_picture(&kiosk, &mut visitor).await;
    visitor.say(json!({"t": "hello", "v": 1, "resume": "somebody else's"})).await;
    assert_eq!(visitor.until_bye().await, "token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_watch_but_cannot_press_and_the_sixth_visitor_finds_no_place() {
    let kiosk = kiosk().await;
    kiosk.publish("menu", 1, 0);
    let mut controls = controller(&kiosk).await;
    controls.until_screen(1).await;
    let mut viewers = Vec::new();
    for _ in 0..4 {
        let viewer = enter(kiosk.address, kiosk.token().reveal()).await;
        assert_eq!(viewer.role, "view");
        viewers.push(viewer);
    }
    let mut sixth = knock(kiosk.address, Knock::properly(kiosk.address)).await.unwrap();
    sixth.say(json!({"t": "hello", "v": 1, "token": kiosk.token().reveal()})).await;
    assert_eq!(sixth.until_bye().await, "busy");

    let viewer = &mut viewers[0];
    viewer.touch("down", 30.0, 20.0, 1).await;
    viewer.touch("up", 30.0, 20.0, 2).await;
    viewer.say(json!({"t": "key", "k": "Enter", "down": true})).await;
    // The mirror reads in order, so the answer to this hello says that the touches were read.
    let resume = viewer.resume.clone();
    viewer.say(json!({"t": "hello", "v": 1, "resume": resume})).await;
    let frames = viewer.frames.len();
    viewer.until(|viewer| viewer.frames.len() > frames + 1).await;
    kiosk.snapshot();
    assert!(kiosk.intents.try_recv().is_err(), "not even activity");
    assert_eq!(kiosk.ui.hub().stats().inputs, 0);

    controls.touch("down", 30.0, 20.0, 1).await;
    viewers[0].until(|viewer| viewer.pixel(30, 20) == RED).await;
    assert_eq!(viewers[0].frames.last().unwrap().applied, 0, "somebody else's input");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_controller_who_leaves_in_mid_press_presses_nothing() {
    let kiosk = kiosk().await;
    kiosk.publish("menu", 1, 0);
    let mut visitor = controller(&kiosk).await;
    visitor.until_screen(1).await;
    visitor.touch("down", 30.0, 20.0, 1).await;
    visitor.until(|visitor| visitor.pixel(30, 20) == RED).await;
    let resume = visitor.resume.clone();
    drop(visitor);
    let mut back = come_back(kiosk.address, &resume).await;
    back.until(|visitor| visitor.pixel(30, 20) == GREEN).await;
    let intents: Vec<_> = kiosk.intents.try_iter().collect();
    assert_eq!(intents, [Intent::Active]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_type_into_a_focused_field_only() {
    let kiosk = kiosk().await;
    kiosk.publish("menu", 1, 0);
    let mut visitor = controller(&kiosk).await;
    visitor.until_screen(1).await;
    for (k, n) in [("4", 1), ("0", 2)] {
        visitor.say(json!({"t": "key", "k": k, "down": true, "n": n})).await;
        visitor.say(json!({"t": "key", "k": k, "down": false, "n": n})).await;
    }
    visitor.touch("down", 40.0, 70.0, 3).await;
    visitor.touch("up", 40.0, 70.0, 4).await;
    for k in ["G", "ü", "Backspace", "o"] {
        visitor.say(json!({"t": "key", "k": k, "down": true, "n": 5})).await;
        visitor.say(json!({"t": "key", "k": k, "down": false, "n": 5})).await;
    }
    let typed: Vec<_> = (0..4).map(|_| kiosk.intent()).collect();
    assert_eq!(typed, ["G", "Gü", "G", "Go"].map(|text| Intent::Typed(text.into())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_is_announced_and_the_mirror_returns() {
    let mut kiosk = kiosk().await;
    let mut visitor = controller(&kiosk).await;
    let bye = tokio::spawn(async move { visitor.until_bye().await });
    tokio::time::timeout(LIMIT, kiosk.stop_mirror()).await.unwrap();
    assert_eq!(bye.await.unwrap(), "closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_other_machines_can_reach_is_refused() {
    let kiosk = kiosk().await;
    let mirror = Mirror::new(kiosk.ui.hub().clone(), kiosk.ui.input(), Compression::None);
    let open = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let result = mirror.serve(open, std::future::ready(())).await;
    assert!(matches!(result, Err(MirrorError::NotLoopback(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_served_with_its_policy_and_nothing_else_is() {
    let kiosk = kiosk().await;
    let at = kiosk.address;
    let host = format!("127.0.0.1:{}", at.port());
    for (path, content) in [("/", "<canvas"), ("/mirror.js", "kioskd-mirror.1"), ("/mirror.css", "canvas")] {
        let answer = get(at, path, &host).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        assert!(answer.contains(content), "{path}");
        assert!(answer.contains(
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"
        ));
        assert!(!answer.contains("https://") && !answer.contains("style=\""), "{path}");
    }
    assert!(get(at, "/Cargo.toml", &host).await.starts_with("HTTP/1.1 404"));
    assert!(get(at, "/", "kiosk.evil.example").await.starts_with("HTTP/1.1 403"));
}

async fn get(address: std::net::SocketAddr, path: &str, host: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_published_faster_than_drawn_leave_the_newest_on_the_screen() {
    let kiosk = kiosk().await;
    for n in 1..=2_000 {
        kiosk.publish("menu", n, u32::try_from(n).unwrap());
    }
    kiosk.until_drawn(2_000).await;
    let snapshot = kiosk.snapshot();
    let last = (199 * 120 + 60) * 4;
    assert_eq!(snapshot[last..last + 3], [0, 0x07, 0xD0]);
    assert!(kiosk.ui.hub().stats().frames < 2_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn intents_that_the_core_does_not_take_are_dropped_and_counted() {
    let kiosk = Kiosk::start(Compression::None, 1).await;
    kiosk.publish("menu", 1, 0);
    let mut visitor = controller(&kiosk).await;
    visitor.until_screen(1).await;
    for n in 0..3 {
        visitor.touch("down", 30.0, 20.0, 2 * n + 1).await;
        visitor.until(|visitor| visitor.pixel(30, 20) == RED).await;
        visitor.touch("up", 30.0, 20.0, 2 * n + 2).await;
        visitor.until(|visitor| visitor.pixel(30, 20) == GREEN).await;
    }
    // The first is the activity; it fills the queue of one.
    assert_eq!(kiosk.intents.recv_timeout(LIMIT), Ok(Intent::Active));
    assert!(kiosk.ui.hub().stats().intents_dropped >= 3);
    assert!(kiosk.ui.hub().liveness().is_alive(kiosk.ui.hub().clock().now()));
}

/// The page's own picture, as the bytes of its canvas.
const CANVAS: &str = "Array.from(document.getElementById('panel').getContext('2d') \
                      .getImageData(0, 0, 120, 200).data)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_shows_the_kiosk_and_presses_its_buttons() {
    let mut browser = Browser::start().await.expect("Chromium is installed: apt install chromium");
    for compression in [Compression::None, Compression::Deflate] {
        let mut kiosk = Kiosk::start(compression, 64).await;
        kiosk.publish("menu", 1, 0x12_3456);
        browser.resize(640, 720).await;
        browser.open(&Mirror::url(kiosk.address, &kiosk.token())).await;
        browser.until("document.body.dataset.screen === 'menu'").await;
        assert_eq!(browser.evaluate("document.getElementById('say').textContent").await, "This is menu");
        assert!(browser.evaluate(CANVAS).await == json!(kiosk.snapshot()));

        // The canvas is larger than the panel here, so places are scaled.
        let place = browser
            .evaluate(
                "(() => { const box = document.getElementById('panel').getBoundingClientRect(); \
                 return [box.left + box.width * 30 / 120, box.top + box.height * 20 / 200, box.width]; })()",
            )
            .await;
        let at = |n: usize| place[n].as_f64().unwrap();
        assert!(at(2) > 300.0, "as large as fits: {place}");
        browser.mouse("mousePressed", at(0), at(1)).await;
        browser.until("document.body.dataset.clickToPaintMs").await;
        assert!(browser.evaluate(CANVAS).await == json!(kiosk.snapshot()));
        browser.mouse("mouseReleased", at(0), at(1)).await;
        assert_eq!(kiosk.intent(), Intent::Tapped);

        // A click into the field, which is 50 panel pixels below the button, and a word.
        let scale = at(2) / 120.0;
        browser.mouse("mousePressed", at(0), at(1) + 50.0 * scale).await;
        browser.mouse("mouseReleased", at(0), at(1) + 50.0 * scale).await;
        browser.key("H").await;
        browser.key("i").await;
        assert_eq!(kiosk.intent(), Intent::Typed("H".into()));
        assert_eq!(kiosk.intent(), Intent::Typed("Hi".into()));

        // A reload resumes with the secret that the page kept; the token in the address is burnt.
        browser.reload().await;
        browser.until("document.body.dataset.screen === 'menu'").await;
        assert_eq!(browser.evaluate("document.body.dataset.state").await, "control");

        kiosk.stop_mirror().await;
        browser.until("document.body.dataset.state === 'ended'").await;
        assert_eq!(browser.evaluate("document.getElementById('again').hidden").await, false);
    }
}
