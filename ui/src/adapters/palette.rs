//! The colours of the theme can be told apart: contrast by WCAG 2.2, from the very values the pages use.

use std::sync::Arc;

use slint::platform::software_renderer::{MinimalSoftwareWindow, RepaintBufferType};
use slint::{Color, Global};

use crate::backend::ManualPlatform;
use crate::pages::{MainWindow, Palette, Theme, TintName};

fn luminance(color: Color) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(color.red()) + 0.7152 * linear(color.green()) + 0.0722 * linear(color.blue())
}

fn contrast(one: Color, other: Color) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// What stands on what, and the contrast it must have: 7 for words by our own rule; second lines and coloured words as
/// much as the chosen tones give, always above the 4.5 of WCAG; 3 for the outlines of controls.
fn pairs(c: &Palette) -> Vec<(&'static str, Color, Color, f64)> {
    vec![
        ("text on surface", c.text, c.surface, 7.0),
        ("text on raised", c.text, c.raised, 7.0),
        ("text on sunken", c.text, c.sunken, 7.0),
        ("text on pressed", c.text, c.sunken_pressed, 7.0),
        ("text on a chosen option", c.text, c.accent_soft, 7.0),
        ("muted on surface", c.muted, c.surface, 7.0),
        ("muted on raised", c.muted, c.raised, 7.0),
        ("muted on sunken", c.muted, c.sunken, 6.4),
        ("muted on a chosen option", c.muted, c.accent_soft, 6.0),
        ("on accent", c.on_accent, c.accent, 6.5),
        ("on pressed accent", c.on_accent, c.accent_pressed, 6.5),
        ("surface on text", c.surface, c.text, 7.0),
        ("surface on pressed text", c.surface, c.text_pressed, 7.0),
        ("positive on its soft", c.positive, c.positive_soft, 5.4),
        ("positive on raised", c.positive, c.raised, 6.0),
        ("warning on its soft", c.warning, c.warning_soft, 5.2),
        ("danger on surface", c.danger, c.surface, 7.0),
        ("outline on surface", c.outline, c.surface, 3.0),
        ("outline on raised", c.outline, c.raised, 3.0),
    ]
}

#[test]
fn every_pair_of_colours_has_the_contrast_it_is_meant_to_have() {
    let window = MinimalSoftwareWindow::new(RepaintBufferType::NewBuffer);
    slint::platform::set_platform(Box::new(ManualPlatform { window, clock: Arc::default() })).unwrap();
    let window = MainWindow::new().unwrap();
    let theme = Theme::get(&window);
    for high in [false, true] {
        theme.set_contrast(high);
        for (name, front, back, least) in pairs(&theme.get_c()) {
            let found = contrast(front, back);
            let least = if high { 10.0_f64.min(least.max(7.0)) } else { least };
            assert!(found >= least, "{name}: {found:.1} instead of {least} (high contrast: {high})");
        }
        let c = theme.get_c();
        let tints = [
            TintName::Wheat,
            TintName::Butter,
            TintName::Sage,
            TintName::Mocha,
            TintName::Glass,
            TintName::Blush,
            TintName::Alert,
        ];
        for tint in tints {
            let wall = theme.invoke_tint(tint).wall;
            assert!(contrast(c.text, wall) >= 12.0, "text on {tint:?}");
            assert!(contrast(c.ink, wall) >= 7.0, "ink on {tint:?}");
            assert!(contrast(c.accent, wall) >= 4.5, "accent on {tint:?}");
        }
    }
}
