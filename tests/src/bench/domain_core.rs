//! What the core costs per input: deciding, applying, and making the view.

use domain::KioskConfig;

use super::Options;
use super::report::Report;
use super::samples::Samples;
use super::storage::OPENING_MS;
use super::till::{Spent, Till};

/// Orders before measuring, so that caches are warm and the ledger holds something.
const WARM_UP: u32 = 100;

/// Orders that are measured.
const ORDERS: u32 = 400;

/// See the module's description.
pub(crate) fn measure(_options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let keep = &mut |_: &[domain::Event], _, _: &mut dyn domain::ids::IdSource| Ok(());
    let mut till = Till::new(KioskConfig::new("bench", "K1"), OPENING_MS, keep)?;
    for _ in 0..WARM_UP {
        till.sell(keep)?;
    }
    till.spent = Spent::default();
    for _ in 0..ORDERS {
        till.sell(keep)?;
    }
    let us = |times: &[std::time::Duration]| times.iter().map(|t| t.as_secs_f64() * 1e6).collect::<Samples>();
    for (name, samples) in
        [("decide and apply an input", us(&till.spent.steps)), ("make the view", us(&till.spent.views))]
    {
        let mut case = report.case("domain", name);
        for (metric, percent) in [("p50", 50), ("p99", 99)] {
            case.ours(metric, "µs", samples.percentile(percent));
        }
    }
    let steps = us(&till.spent.steps);
    let mut case = report.case("domain", "one order");
    #[expect(clippy::cast_precision_loss, reason = "some thousand steps")]
    case.ours("inputs", "count", steps.len() as f64 / f64::from(ORDERS));
    case.ours("time in the core", "ms", steps.sum() / 1e3 / f64::from(ORDERS));
    Ok(())
}
