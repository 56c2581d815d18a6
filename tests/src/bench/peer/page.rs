//! The twin of the menu page, filled with the demo catalog.

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::rig::root;

/// Cards on one page of the menu.
const CARDS: usize = 6;

/// The whole page as text, with the checkout's address in it.
pub(super) fn menu_page() -> anyhow::Result<String> {
    let template = read("tests/peers/menu.html")?;
    let catalog: Value = serde_json::from_str(&read("catalog/alder-and-rye/catalog.json")?)?;
    // `</` would end the script that the menu stands in.
    let menu = menu(&catalog)?.to_string().replace("</", "<\\/");
    let base = format!("file://{}", root().canonicalize()?.display());
    Ok(template.replace("{{root}}", &base).replace("{{menu}}", &menu))
}

fn read(name: &str) -> anyhow::Result<String> {
    let path = root().join(name);
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

fn menu(catalog: &Value) -> anyhow::Result<Value> {
    let categories = catalog["categories"].as_array().context("the catalog has no categories")?;
    let categories = categories.iter().map(|category| self::category(catalog, category));
    Ok(json!({
        "brand": catalog["brand"],
        "categories": categories.collect::<anyhow::Result<Vec<_>>>()?,
    }))
}

fn category(catalog: &Value, category: &Value) -> anyhow::Result<Value> {
    let names = category["items"].as_array().context("a category has no items")?;
    let items =
        names.iter().take(CARDS).map(|name| item(catalog, name)).collect::<anyhow::Result<Vec<_>>>()?;
    let featured = match &category["featured"] {
        Value::Null => items.first().context("a category is empty")?.clone(),
        name => item(catalog, name)?,
    };
    Ok(json!({
        "name": category["name"]["en"], "strapline": category["strapline"]["en"], "tint": category["tint"],
        "picture": category["picture"], "featured": featured, "items": items,
    }))
}

fn item(catalog: &Value, name: &Value) -> anyhow::Result<Value> {
    let items = catalog["items"].as_array().context("the catalog has no items")?;
    let item = items.iter().find(|item| item["id"] == *name).with_context(|| format!("no item {name}"))?;
    // The first size is the cheapest one in the demo catalog.
    let first = &item["variations"][0];
    let of = |key: &str| if item[key].is_null() { first[key].clone() } else { item[key].clone() };
    let price = of("price").as_str().map(|price| format!("€{price}")).unwrap_or_default();
    let diet = match item["diet"].as_str() {
        Some("vegan") => json!("Vegan"),
        Some("vegetarian") => json!("Veggie"),
        Some(_) | None => Value::Null,
    };
    Ok(json!({
        "id": name, "name": item["name"]["en"], "tagline": item["tagline"]["en"], "picture": of("picture"),
        "price": price, "diet": diet,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twin_page_names_only_pictures_that_exist() {
        let page = menu_page().unwrap();
        assert!(!page.contains("{{"), "a place was not filled");
        let catalog: Value =
            serde_json::from_str(&read("catalog/alder-and-rye/catalog.json").unwrap()).unwrap();
        let menu = menu(&catalog).unwrap();
        let categories = menu["categories"].as_array().unwrap();
        assert_eq!(categories.len(), 6);
        for item in categories.iter().flat_map(|category| category["items"].as_array().unwrap()) {
            let picture = format!("catalog/alder-and-rye/pictures/{}.svg", item["picture"].as_str().unwrap());
            assert!(root().join(&picture).exists(), "{picture}");
            assert!(item["price"].as_str().unwrap().len() > 3, "{item}");
        }
    }
}
