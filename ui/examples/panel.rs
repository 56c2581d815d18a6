//! A panel without a kiosk: a test page on the screen backends, for working on them.
//!
//! `panel` serves it through the mirror and prints the address; `panel --window` opens it on the desktop;
//! `panel --probe` measures start, full repaints and idling, prints JSON and ends.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use slint::ComponentHandle;
use ui::backend::mirror::{Compression, Mirror};
use ui::backend::{BackendKind, Panel, ScreenInfo, SystemClock};
use ui::shell::{IntentRefused, IntentSink, Options, Ports, Screen, Shell, UiHandle};

use page::TestPage;

/// In a module of its own because the compiler's output has no documentation.
mod page {
    slint::slint! {
        component Key inherits Rectangle {
            in property <string> label;
            in property <color> colour;
            callback clicked <=> touch.clicked;
            border-radius: 24px;
            background: touch.pressed ? colour.darker(0.4) : colour;
            Text { text: label; font-size: 44px; color: #201a14; }
            touch := TouchArea { }
        }

        export component TestPage inherits Window {
            in property <int> flood;
            in-out property <int> taps;
            out property <bool> wants-text: TextInputInterface.text-input-focused;
            callback tapped();
            background: flood.mod(2) == 0 ? #fbf7f1 : #e9f1fb;
            Text { x: 60px; y: 60px; text: "Test panel"; font-size: 90px; font-weight: 700; color: #201a14; }
            Text { x: 60px; y: 190px; text: taps + " taps"; font-size: 44px; color: #5b5248; }
            for colour[n] in [#f4b860, #e98a6b, #8fc0a9, #a7c7e7, #d9a5c7, #c9d17a, #f2d5a0, #b8b5e0, #9fd6d2]: Key {
                x: 60px + mod(n, 3) * 326px;
                y: 300px + floor(n / 3) * 326px;
                width: 308px; height: 308px;
                label: n + 1;
                colour: colour;
                clicked => { taps += 1; tapped(); }
            }
            Rectangle {
                x: 60px; y: 1320px; width: 960px; height: 110px;
                border-width: 3px; border-color: field.has-focus ? #1a57d0 : #8a7f73; border-radius: 16px;
                field := TextInput {
                    x: 30px; width: parent.width - 60px;
                    font-size: 44px; color: #201a14; vertical-alignment: center;
                }
            }
            Rectangle {
                x: taps.mod(2) == 0 ? 60px : 860px; y: 1500px; width: 160px; height: 160px;
                border-radius: 80px; background: #b3261e;
                animate x { duration: 600ms; easing: ease-out; }
            }
            Text { x: 60px; y: 1780px; text: "The bottom edge is 60 pixels below this line."; font-size: 36px; color: #5b5248; }
        }
    }
}

/// The number of full repaints that were asked for.
struct View {
    flood: u32,
}

struct Tapped;

struct TestScreen {
    page: TestPage,
}

impl Screen for TestScreen {
    type View = View;

    fn window(&self) -> &slint::Window {
        self.page.window()
    }

    fn apply(&self, view: &View) -> ScreenInfo {
        self.page.set_flood(view.flood.cast_signed());
        ScreenInfo { id: "test".into(), rev: view.flood.into(), say: "Test panel with nine keys".into() }
    }

    fn wants_text(&self) -> bool {
        self.page.get_wants_text()
    }

    fn on_activity(&self) {}
}

fn main() -> ExitCode {
    let wants = |flag: &str| std::env::args().any(|argument| argument == flag);
    let is_window = wants("--window");
    let backend = if is_window { BackendKind::Window } else { BackendKind::Headless };
    let panel = Panel::portrait_27();
    let shell = match Shell::<View>::new(Options { backend, panel, clock: Arc::new(SystemClock) }) {
        Ok(shell) => shell,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let ui = shell.handle();
    ui.publish(Arc::new(View { flood: 0 }));
    let helper = match (wants("--probe"), is_window) {
        (true, _) => Some(std::thread::spawn(move || probe(&ui))),
        (false, false) => Some(std::thread::spawn(move || serve(&ui))),
        (false, true) => None,
    };
    let ports = Ports { intents: Box::new(|_: Tapped| Err(IntentRefused)), pointers: Vec::new() };
    let result = shell.run(ports, build);
    if let Some(helper) = helper {
        helper.join().expect("the helper thread ends in order");
    }
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn build(_sink: IntentSink<Tapped>) -> Result<TestScreen, slint::PlatformError> {
    Ok(TestScreen { page: TestPage::new()? })
}

/// Serves the mirror until standard input ends.
fn serve(ui: &UiHandle<View>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let mirror = Mirror::new(Arc::clone(ui.hub()), ui.input(), Compression::Deflate);
        println!("{}", Mirror::url(listener.local_addr().expect("it is bound"), &mirror.invite()));
        println!("A second visitor: {}", mirror.invite().reveal());
        std::io::stdout().flush().expect("somebody reads");
        let input_ends = async {
            let reading = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
            drop(reading.await);
        };
        mirror.serve(listener, input_ends).await.expect("the mirror serves");
    });
    ui.quit();
}

/// Measures and prints one JSON object. Times are on `CLOCK_MONOTONIC`, so whoever started this process can
/// subtract its own stamp.
fn probe(ui: &UiHandle<View>) {
    let hub = ui.hub();
    let first_frame = until(|| hub.stats().first_frame);
    let (_, rss_start) = usage();
    let (cpu_before, turns_before) = (usage().0, hub.stats().turns);
    std::thread::sleep(Duration::from_secs(10));
    let (cpu_after, turns_after) = (usage().0, hub.stats().turns);
    for flood in 1..=300 {
        let frames = hub.stats().frames;
        ui.publish(Arc::new(View { flood }));
        until(|| (hub.stats().frames > frames).then_some(()));
    }
    let stats = hub.stats();
    println!(
        "{{\"first_frame_us\":{},\"rss_kib\":{rss_start},\"rss_after_kib\":{},\"idle_cpu_ticks_10s\":{},\
         \"idle_wakeups_10s\":{},\"full_repaint_px\":{},\"render_us\":[{},{},{},{}]}}",
        first_frame.as_micros(),
        usage().1,
        cpu_after - cpu_before,
        turns_after - turns_before,
        stats.last_dirty_px,
        stats.render_us_p50,
        stats.render_us_p95,
        stats.render_us_p99,
        stats.render_us_max,
    );
    ui.quit();
}

/// Looks often enough not to matter beside what is measured.
fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// CPU time of this process in ticks of 10 ms, and its resident memory in KiB.
fn usage() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields[n].parse::<u64>().expect("a number");
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    let rss = rss.trim().trim_end_matches(" kB").parse().expect("a number");
    (ticks(11) + ticks(12), rss)
}
