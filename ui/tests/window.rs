//! The desktop window, on a virtual X server: a test without the usual harness because a window belongs to the main
//! thread. Needs `Xvfb` (Debian: xvfb).
#![expect(clippy::unwrap_used, reason = "helpers of a test, which clippy does not recognise as a test")]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use slint::ComponentHandle;
use ui::backend::{
    BackendKind, Input, InputEvent, Origin, Panel, ScreenInfo, Snapshot, SystemClock, TouchPhase,
};
use ui::shell::{IntentRefused, IntentSink, Options, Ports, Screen, Shell, UiHandle};

use page::Page;

mod page {
    slint::slint! {
        export component Page inherits Window {
            in property <color> tint: #102030;
            callback tapped();
            background: tint;
            TouchArea { clicked => { tapped(); } }
        }
    }
}

const LIMIT: Duration = Duration::from_secs(20);
/// Tells the child that the X server is there.
const INSIDE: &str = "--inside-x";

struct TestScreen {
    page: Page,
    sink: IntentSink<&'static str>,
}

impl Screen for TestScreen {
    type View = (u64, [u8; 3]);

    fn window(&self) -> &slint::Window {
        self.page.window()
    }

    fn apply(&self, (rev, [red, green, blue]): &Self::View) -> ScreenInfo {
        self.page.set_tint(slint::Color::from_rgb_u8(*red, *green, *blue));
        ScreenInfo { id: "page".into(), rev: *rev, say: String::new() }
    }

    fn wants_text(&self) -> bool {
        false
    }

    fn on_activity(&self) {
        self.sink.send("active");
    }
}

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == INSIDE) {
        a_window_shows_views_and_takes_presses();
        return ExitCode::SUCCESS;
    }
    let x_server = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "400x400x24", "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut x_server = x_server.expect("Xvfb is installed: apt install xvfb");
    let mut display = String::new();
    BufReader::new(x_server.stdout.take().unwrap()).read_line(&mut display).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .arg(INSIDE)
        .env("DISPLAY", format!(":{}", display.trim()))
        .env_remove("WAYLAND_DISPLAY")
        .status()
        .unwrap();
    x_server.kill().unwrap();
    x_server.wait().unwrap();
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn a_window_shows_views_and_takes_presses() {
    let (sender, intents) = sync_channel(16);
    let shell = Shell::new(Options {
        backend: BackendKind::Window,
        panel: Panel::new(200, 300, 0.5).unwrap(),
        clock: Arc::new(SystemClock),
    })
    .unwrap();
    let ui = shell.handle();
    // Published before the window exists: nothing may be lost.
    ui.publish(Arc::new((1, [0xAA, 0xBB, 0xCC])));
    let visitor = std::thread::spawn(move || use_the_window(&ui, &intents));
    let ports = Ports {
        intents: Box::new(move |intent| sender.try_send(intent).map_err(|_| IntentRefused)),
        pointers: Vec::new(),
    };
    shell
        .run(ports, |sink| {
            let page = Page::new()?;
            let taps = sink.clone();
            page.on_tapped(move || taps.send("tapped"));
            Ok(TestScreen { page, sink })
        })
        .unwrap();
    visitor.join().unwrap();
}

fn use_the_window(ui: &UiHandle<(u64, [u8; 3])>, intents: &Receiver<&'static str>) {
    until(|| ui.hub().stats().first_frame.is_some());
    assert_eq!(middle(&ui.hub().snapshot(LIMIT).unwrap()), [0xAA, 0xBB, 0xCC]);
    let frames = ui.hub().stats().frames;
    ui.publish(Arc::new((2, [1, 2, 3])));
    until(|| ui.hub().stats().frames > frames);
    assert_eq!(middle(&ui.hub().snapshot(LIMIT).unwrap()), [1, 2, 3]);
    assert_eq!(ui.hub().screen().borrow().rev, 2);

    let origin = Origin::new();
    for phase in [TouchPhase::Down, TouchPhase::Up] {
        let event = InputEvent::Touch { contact: 0, phase, x: 100.0, y: 150.0 };
        ui.input().send(Input { origin, n: None, event }).unwrap();
    }
    assert_eq!(intents.recv_timeout(LIMIT), Ok("active"));
    assert_eq!(intents.recv_timeout(LIMIT), Ok("tapped"));
    assert!(ui.hub().liveness().is_alive(ui.hub().clock().now()));
    ui.quit();
}

fn middle(snapshot: &Snapshot) -> [u8; 3] {
    let at =
        usize::try_from((snapshot.height_px / 2 * snapshot.width_px + snapshot.width_px / 2) * 4).unwrap();
    snapshot.rgba[at..at + 3].try_into().unwrap()
}

fn until(holds: impl Fn() -> bool) {
    let started = std::time::Instant::now();
    while !holds() {
        assert!(started.elapsed() < LIMIT, "it does not happen");
        std::thread::yield_now();
    }
}
