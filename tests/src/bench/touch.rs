//! From a press to its pixels, as somebody at the other end of a WebSocket sees it: ours through the mirror,
//! Chromium through DevTools, on the same page.
//!
//! The two ends differ, in Chromium's favour: ours ends when the pixels have arrived, Chromium's when the page
//! hears that its frame went to the compositor, before one pixel of it is drawn.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::peer::Chromium;
use super::report::{OURS, Report};
use super::samples::Samples;
use super::{Options, stage};
use crate::customer::Customer;

/// Presses of each kind.
const PRESSES: usize = 60;

/// Between presses: longer than the guard against presses meant for the page before, shorter than idle.
const PAUSE: Duration = Duration::from_millis(220);

/// Two categories, pressed in turn.
const CATEGORIES: [&str; 2] = ["Sides", "Burgers"];

/// A place of the page's head whose colour is the open category's.
const HEAD: (usize, usize) = (12, 300);

/// See the module's description.
pub(super) fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir_in(&options.dir)?;
    let ours = ours(scratch.path(), options.pictures.as_deref())?;
    add(report, OURS, &ours);
    report.aim_below("touch to pixels, p95", 16.0, "ms", ours.feedback.percentile(95));
    match Chromium::find(&options.dir)? {
        Some(chromium) => add(report, "chromium", &theirs(&chromium, options.pictures.as_deref())?),
        None => report.note("click to paint: Chromium is not installed"),
    }
    report.note("press to pixels: ours ends with the pixels at the client, Chromium's before it draws them");
    Ok(())
}

/// Both kinds of press.
#[derive(Default)]
struct Touches {
    /// Finger down on a category, to its pressed look.
    feedback: Samples,
    /// Finger up, to the page of the category.
    category: Samples,
}

fn add(report: &mut Report, subject: &'static str, touches: &Touches) {
    for (name, samples) in [
        ("finger down to pressed look", &touches.feedback),
        ("finger up to other category", &touches.category),
    ] {
        let mut case = report.case("touch", name);
        for (metric, percent) in [("p50", 50), ("p95", 95)] {
            case.add(subject, metric, "ms", samples.percentile(percent));
        }
    }
}

fn ours(dir: &Path, pictures: Option<&Path>) -> anyhow::Result<Touches> {
    let mut rig = stage::devices(dir)?;
    rig.start_kiosk()?;
    let mut customer = Customer::new(rig.mirror()?)?;
    customer.sit_down()?;
    let places = CATEGORIES.map(|name| customer.place(name));
    let mut touches = Touches::default();
    for press in 0..PRESSES {
        let (x, y) = *places[press % places.len()].as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
        let mirror = &mut customer.mirror;
        mirror.receive_for(PAUSE)?;
        if let Some(folder) = pictures.filter(|_| press == 0) {
            mirror.save(&folder.join("menu-kioskd.png"))?;
        }
        let begun = Instant::now();
        mirror.pointer("down", x, y)?;
        mirror.wait("the pressed look", stage::PAGE_WITHIN, |m| m.inputs().0 == m.inputs().1)?;
        touches.feedback.push_ms(begun.elapsed());
        mirror.receive_for(PAUSE)?;
        let before = mirror.pixel(HEAD.0, HEAD.1);
        let begun = Instant::now();
        mirror.pointer("up", x, y)?;
        mirror.wait("the other category", stage::PAGE_WITHIN, |m| m.pixel(HEAD.0, HEAD.1) != before)?;
        touches.category.push_ms(begun.elapsed());
    }
    rig.stop_kiosk()?;
    Ok(touches)
}

fn theirs(chromium: &Chromium, pictures: Option<&Path>) -> anyhow::Result<Touches> {
    let mut browser = chromium.open()?;
    browser.wait_complete()?;
    browser.listen()?;
    if let Some(folder) = pictures {
        browser.save(&folder.join("menu-chromium.png"))?;
    }
    let places = [1, 0].map(|n| browser.middle(&format!("[data-category=\"{n}\"]")));
    let mut touches = Touches::default();
    for press in 0..PRESSES {
        let place = *places[press % places.len()].as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
        std::thread::sleep(PAUSE);
        touches.feedback.push_ms(browser.pointer("mousePressed", place).context("press")?);
        std::thread::sleep(PAUSE);
        touches.category.push_ms(browser.pointer("mouseReleased", place).context("release")?);
    }
    browser.close()?;
    Ok(touches)
}
