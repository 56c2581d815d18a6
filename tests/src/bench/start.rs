//! From starting the program to its first frame, ours and Chromium in turn.
//!
//! Both have started before on this machine: their files are in memory, the kiosk has its store and its catalog,
//! Chromium has its profile. What is measured is the restart after a crash or an update, not a cold disk.

use std::time::Duration;

use anyhow::Context as _;
use kioskd::admin::wire::Request;
use nix::time::{ClockId, clock_gettime};

use super::peer::Chromium;
use super::report::Report;
use super::samples::Samples;
use super::{Options, stage};
use crate::process::wait_until;

/// Starts of each.
const RUNS: u32 = 9;

/// See the module's description.
pub(super) fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir_in(&options.dir)?;
    let mut rig = stage::devices(scratch.path())?;
    stage::settle_in(&mut rig)?;
    let chromium = Chromium::find(&options.dir)?;
    if let Some(chromium) = &chromium {
        let mut browser = chromium.open()?;
        browser.first_paint_ms()?;
        browser.close()?;
    }
    let (mut first_frame, mut attract, mut first_paint) =
        (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..RUNS {
        let begun = now();
        rig.start_kiosk()?;
        let shown = wait_until(stage::PAGE_WITHIN, || {
            let status = rig.ask(&Request::Status).ok()?;
            (status["page"] == "attract").then_some(status)
        });
        let status = shown.context("the attract page does not come")?;
        attract.push_ms(now() - begun);
        // On the same clock as ours: CLOCK_MONOTONIC.
        let frame_ms =
            status["screen"]["first_frame_at_ms"].as_f64().context("no time of the first frame")?;
        first_frame.push(frame_ms - begun.as_secs_f64() * 1e3);
        rig.stop_kiosk()?;
        if let Some(chromium) = &chromium {
            let mut browser = chromium.open()?;
            first_paint.push(browser.first_paint_ms()?);
            browser.close()?;
        }
    }
    anyhow::ensure!(first_frame.median() > 0.0, "the kiosk's clock is not CLOCK_MONOTONIC");
    let mut case = report.case("start", "program to first frame");
    for (metric, percent) in [("p50", 50), ("max", 100)] {
        case.ours(metric, "ms", first_frame.percentile(percent));
        if chromium.is_some() {
            case.add("chromium", metric, "ms", first_paint.percentile(percent));
        }
    }
    report.case("start", "program to attract page, tools answering").ours("p50", "ms", attract.median());
    binary_size(&rig.program("kioskd")?, report)?;
    report.aim_below("first frame", 300.0, "ms", first_frame.median());
    match chromium {
        Some(chromium) => {
            report.note(format!(
                "{}, headless; its first frame is the first contentful paint",
                chromium.version()
            ));
            report.aim_factor(
                "start, compared with Chromium",
                5.0,
                first_paint.median() / first_frame.median(),
            );
        }
        None => report.note("start: Chromium is not installed"),
    }
    Ok(())
}

fn binary_size(program: &std::path::Path, report: &mut Report) -> anyhow::Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "some megabytes")]
    let size = std::fs::metadata(program)?.len() as f64 / 1e6;
    report.case("start", "program file").ours("size", "MB", size);
    Ok(())
}

fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).expect("CLOCK_MONOTONIC exists on Linux")
}
