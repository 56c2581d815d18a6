//! What drawing costs: every page drawn whole, shown after another, and under a finger.
//!
//! The pages run as in the kiosk, with its renderer, its pixels and its pictures, but on a clock that stands still
//! and into a buffer that nobody shows. Times are CPU time of this thread, so a busy machine does not count twice.
//! Peers: the same frame as Slint's stock display backend would have to draw it (everything, with cold caches) is
//! the row "whole"; ours is what changed.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use domain::View;
use nix::time::{ClockId, clock_gettime};
use slint::platform::software_renderer::{MinimalSoftwareWindow, RepaintBufferType};
use slint::platform::{PointerEventButton, WindowEvent, set_platform, update_timers_and_animations};
use slint::{LogicalPosition, PhysicalSize};
use ui::backend::{ManualClock, ManualPlatform, Panel, Xrgb8888};
use ui::shell::Screen as _;
use ui::{MainScreen, PictureStore, fixtures};

use super::Options;
use super::report::Report;
use super::samples::Samples;
use crate::rig::root;

/// Frames of each kind and page.
const FRAMES: usize = 12;

/// The pages of an order, in its order, and what may lie over them.
const PAGES: [&str; 13] = [
    "attract",
    "service",
    "menu",
    "item",
    "meal",
    "cart",
    "pay-choose",
    "terminal-card",
    "pay-failed",
    "pay-unknown",
    "done",
    "out-of-service",
    "menu-idle",
];

/// Longer than any animation of the pages: afterwards they stand still.
const SETTLED: Duration = Duration::from_secs(3);

/// Page name → label → x, y, width, height.
type Targets = BTreeMap<String, BTreeMap<String, [f32; 4]>>;

/// See the module's description.
pub(super) fn measure(_options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let path = root().join("ui/targets.json");
    let targets: Targets = match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).context("ui/targets.json")?,
        Err(_) => {
            report.note("presses: ui/targets.json is missing");
            Targets::new()
        }
    };
    let mut glass = Glass::new()?;
    let mut worst = Worst::default();
    for name in PAGES {
        let view = fixtures::named(name, "en").with_context(|| format!("there is no fixture {name}"))?;
        let none = BTreeMap::new();
        let labels =
            if view.overlay.is_some() { &none } else { targets.get(view.page.name()).unwrap_or(&none) };
        let costs = glass.page(&view, labels.values())?;
        costs.report(name, report);
        worst.take(&costs);
    }
    let mut case = report.case("ui", "worst page");
    case.ours("whole p95", "ms", worst.whole);
    case.ours("page change p95", "ms", worst.shown);
    case.ours("press p95", "ms", worst.press);
    case.ours("press pixels max", "% of screen", worst.press_share);
    report.note(
        "ui: CPU time of the screen's thread; a page change includes building, layout and shaping text",
    );
    Ok(())
}

/// What one page costs.
#[derive(Default)]
struct Costs {
    whole: Samples,
    shown: Samples,
    press: Samples,
    press_share: Samples,
}

#[derive(Default)]
struct Worst {
    whole: f64,
    shown: f64,
    press: f64,
    press_share: f64,
}

impl Costs {
    fn report(&self, name: &str, report: &mut Report) {
        let mut case = report.case("ui", name);
        case.ours("whole p50", "ms", self.whole.median());
        case.ours("whole p95", "ms", self.whole.percentile(95));
        case.ours("page change p50", "ms", self.shown.median());
        case.ours("page change p95", "ms", self.shown.percentile(95));
        if self.press.len() > 0 {
            case.ours("press p50", "ms", self.press.median());
            case.ours("press p95", "ms", self.press.percentile(95));
            case.ours("press pixels max", "% of screen", self.press_share.percentile(100));
        }
    }
}

impl Worst {
    fn take(&mut self, costs: &Costs) {
        self.whole = self.whole.max(costs.whole.percentile(95));
        self.shown = self.shown.max(costs.shown.percentile(95));
        self.press = self.press.max(costs.press.percentile(95));
        self.press_share = self.press_share.max(costs.press_share.percentile(100));
    }
}

/// The pages and the buffer that they are drawn into.
struct Glass {
    screen: MainScreen,
    window: Rc<MinimalSoftwareWindow>,
    clock: Arc<ManualClock>,
    pixels: Vec<Xrgb8888>,
    width: usize,
}

impl Glass {
    fn new() -> anyhow::Result<Self> {
        let panel = Panel::portrait_27();
        let (width, height) = panel.size_px();
        let clock = Arc::new(ManualClock::default());
        let window = MinimalSoftwareWindow::new(RepaintBufferType::ReusedBuffer);
        set_platform(Box::new(ManualPlatform { window: Rc::clone(&window), clock: Arc::clone(&clock) }))?;
        let pictures = PictureStore::new(Some(root().join("catalog/alder-and-rye/pictures")));
        let screen = MainScreen::new(|_| {}, &pictures, Arc::clone(&clock) as Arc<dyn ui::backend::Clock>)?;
        window.set_size(PhysicalSize::new(width.into(), height.into()));
        screen.window().show()?;
        let pixels = vec![Xrgb8888::BLACK; panel.pixel_count()];
        Ok(Self { screen, window, clock, pixels, width: width.into() })
    }

    fn page<'a>(&mut self, view: &View, places: impl Iterator<Item = &'a [f32; 4]>) -> anyhow::Result<Costs> {
        let other = fixtures::named("starting", "en").context("there is no fixture starting")?;
        let mut costs = Costs::default();
        for frame in 0..=FRAMES {
            self.apply_and_draw(&other);
            let begun = cpu_time();
            self.apply_and_draw(view);
            // The first time draws the pictures, which the kiosk does ahead.
            if frame > 0 {
                costs.shown.push_ms(cpu_time() - begun);
            }
        }
        self.settle();
        for _ in 0..FRAMES {
            costs.whole.push_ms(self.draw_whole());
        }
        self.settle();
        for place in places {
            let (took, pixels) = self.press(*place);
            costs.press.push_ms(took);
            #[expect(clippy::cast_precision_loss, reason = "a share")]
            costs.press_share.push(pixels as f64 * 100.0 / self.pixels.len() as f64);
        }
        Ok(costs)
    }

    fn apply_and_draw(&mut self, view: &View) {
        self.screen.apply(view);
        update_timers_and_animations();
        self.draw();
    }

    /// Lets every animation end and draws what is left of it.
    fn settle(&mut self) {
        for _ in 0..2 {
            self.clock.advance(SETTLED);
            update_timers_and_animations();
            self.window.request_redraw();
            self.draw();
        }
    }

    /// Draws what changed; returns how many pixels that were.
    fn draw(&mut self) -> u64 {
        let (pixels, width) = (&mut self.pixels, self.width);
        let mut drawn = 0;
        self.window.draw_if_needed(|renderer| {
            let region = renderer.render(pixels, width);
            drawn = region.iter().map(|(_, size)| u64::from(size.width) * u64::from(size.height)).sum();
        });
        drawn
    }

    fn draw_whole(&mut self) -> Duration {
        let (pixels, width) = (&mut self.pixels, self.width);
        let mut took = Duration::ZERO;
        self.window.request_redraw();
        self.window.draw_if_needed(|renderer| {
            renderer.set_repaint_buffer_type(RepaintBufferType::NewBuffer);
            let begun = cpu_time();
            renderer.render(pixels, width);
            took = cpu_time() - begun;
            renderer.set_repaint_buffer_type(RepaintBufferType::ReusedBuffer);
        });
        took
    }

    /// Finger down to pixels, in CPU time, and how many pixels. The finger leaves without a click.
    fn press(&mut self, [x, y, w, h]: [f32; 4]) -> (Duration, u64) {
        let position = LogicalPosition::new(x + w / 2.0, y + h / 2.0);
        let begun = cpu_time();
        update_timers_and_animations();
        self.window
            .dispatch_event(WindowEvent::PointerPressed { position, button: PointerEventButton::Left });
        update_timers_and_animations();
        let pixels = self.draw();
        let took = cpu_time() - begun;
        self.window.dispatch_event(WindowEvent::PointerExited);
        self.settle();
        (took, pixels)
    }
}

fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).expect("every thread has a CPU clock")
}
