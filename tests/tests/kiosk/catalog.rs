//! Catalogs that are wrong, and one that is large.

use kioskd::admin::wire::Request;
use tests::rig::root;

use super::Shop;

fn document() -> String {
    std::fs::read_to_string(root().join("catalog/alder-and-rye/catalog.json")).unwrap()
}

fn active_rev(shop: &Shop) -> u64 {
    shop.rig.ask(&Request::CatalogShow).unwrap()["rev"].as_u64().unwrap()
}

#[test]
fn a_wrong_catalog_is_refused_with_its_place_and_the_old_one_stays() {
    let shop = Shop::open();
    let before = active_rev(&shop);
    for (from, to) in [("\"11.40\"", "\"11.4x\""), ("\"11.40\"", "\"-11.40\""), ("b-rye", "")] {
        let document = document();
        assert!(document.contains(from), "the demo catalog has {from}");
        let broken = if to.is_empty() {
            document[..document.len() / 2].to_owned()
        } else {
            document.replacen(from, to, 1)
        };
        let error = shop.rig.ask(&Request::CatalogImport { document: broken }).unwrap_err().to_string();
        assert!(error.contains("catalog:"), "the place is named: {error}");
        assert_eq!(active_rev(&shop), before);
    }
}

#[test]
fn a_newer_catalog_replaces_the_old_one_and_survives_a_restart() {
    let mut shop = Shop::open();
    let before = active_rev(&shop);
    let newer = document().replacen(&format!("\"rev\": {before}"), &format!("\"rev\": {}", before + 1), 1);
    shop.rig.ask(&Request::CatalogImport { document: newer }).unwrap();
    assert_eq!(active_rev(&shop), before + 1);
    shop.rig.kill_kiosk().unwrap();
    shop.start_again();
    assert_eq!(active_rev(&shop), before + 1);
    let older = shop.rig.ask(&Request::CatalogImport { document: document() }).unwrap_err().to_string();
    assert!(older.contains("higher revision"), "{older}");
}

#[test]
fn the_active_catalog_again_is_no_mistake_and_another_of_its_revision_is_refused() {
    let shop = Shop::open();
    let rev = active_rev(&shop);
    let again = shop.rig.ask(&Request::CatalogImport { document: document() }).unwrap();
    let told = again["done"].as_str().unwrap();
    assert!(
        told.starts_with(&format!("revision {rev} with")) && told.ends_with("is already active"),
        "{told}"
    );
    let other = document().replacen("\"11.40\"", "\"11.50\"", 1);
    let error = shop.rig.ask(&Request::CatalogImport { document: other }).unwrap_err().to_string();
    assert!(error.contains(&format!("revision {rev} is active already, with other content")), "{error}");
    assert!(error.contains(&format!("raise rev to {}", rev + 1)), "{error}");
    let shown = shop.rig.ask(&Request::CatalogShow).unwrap();
    assert!(!shown["text"].as_str().unwrap().contains("11.50"), "the old one stays");
}
