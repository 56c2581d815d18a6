//! The icons and drawings that are part of the product, listed by the build script.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The SVG of an icon.
pub(super) fn icon(name: &str) -> Option<&'static [u8]> {
    find(ICONS, name)
}

/// The SVG of a drawing.
pub(super) fn art(name: &str) -> Option<&'static [u8]> {
    find(ART, name)
}

fn find(table: &[(&str, &'static [u8])], name: &str) -> Option<&'static [u8]> {
    table.binary_search_by_key(&name, |(key, _)| key).ok().map(|at| table[at].1)
}
