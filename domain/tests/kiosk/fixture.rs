//! A small café with one of everything that matters.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::KioskConfig;
use domain::cart::ServiceMode;
use domain::catalog::{
    Allergens, Availability, Barcode, Catalog, CatalogParts, Category, ComboChoice, ComboSlot, Diet,
    GroupStyle, Item, ItemGroup, ItemKind, MealOffer, Modifier, ModifierGroup, Price, PriceRule,
    RestrictedKind, RestrictedNumber, RuleKind, RuleTarget, Surcharge, SurchargeAmount, SurchargeTax,
    TaxRate, TaxRule, Tint, TipOffer, Variation,
};
use domain::config::ShopLines;
use domain::ids::{
    AvailabilityId, CategoryId, GroupId, ItemId, ModifierId, RuleId, SlotId, SurchargeId, TaxClassId,
    TaxRateId, VariationId,
};
use domain::money::{Currency, Minor, Quantity, Rate};
use domain::text::{Lang, Text};

/// Net weight and price of the cheese: 19.90 a kilogram.
pub const CHEESE_LABEL_PRICE: &str = "2812345009673";
pub const CHEESE_LABEL_WEIGHT: &str = "2912345004866";
pub const JUICE_CODE: &str = "4006381333931";
pub const COUPON: &str = "FRIEND10";

pub fn config() -> KioskConfig {
    KioskConfig {
        serial: "SN-1".into(),
        version: "1.0".into(),
        default_lang: Some(Lang::new("en")),
        shop: ShopLines {
            header: vec!["Alder & Rye".into(), "1 Rye Lane".into()],
            footer: vec!["Thank you".into()],
        },
        ..KioskConfig::new("t7.k0003", "K3")
    }
}

pub fn catalog() -> Arc<Catalog> {
    Arc::new(Catalog::new(parts()).unwrap_or_else(|problems| panic!("fixture: {problems:#?}")))
}

pub fn text(en: &str, de: &str) -> Text {
    let mut text = Text::single(&Lang::new("en"), en);
    text.0.insert(Lang::new("de"), de.into());
    text
}

/// Five per cent service, taxed as the goods are.
pub fn service() -> Surcharge {
    Surcharge {
        id: SurchargeId::new("service"),
        name: text("Service", "Bedienung"),
        amount: SurchargeAmount::Percent(Rate(50_000)),
        tax: SurchargeTax::FollowLines,
        mode: None,
    }
}

pub fn parts() -> CatalogParts {
    CatalogParts {
        rev: 1,
        currency: Currency::EUR,
        languages: vec![Lang::new("en"), Lang::new("de")],
        brand: text("Alder & Rye", "Alder & Rye"),
        poster: domain::catalog::Poster::Dish,
        tax_rates: BTreeMap::from([rate("full", 190_000), rate("low", 70_000)]),
        tax_rules: vec![
            rule("food", None, "low"),
            rule("food", Some(ServiceMode::DineIn), "full"),
            rule("drink", None, "full"),
            TaxRule { rates: vec![], ..rule("none", None, "low") },
        ],
        categories: vec![
            category("burgers", &["burger", "meal", "toast"]),
            category("drinks", &["cola", "juice", "water", "beer"]),
            category("deli", &["cheese", "fries"]),
        ],
        items: items().into_iter().map(|item| (item.id.clone(), item)).collect(),
        groups: groups().into_iter().map(|group| (group.id.clone(), group)).collect(),
        availability: BTreeMap::from([(
            AvailabilityId::new("morning"),
            Availability {
                weekdays: vec![],
                start_minute: 7 * 60,
                end_minute: 11 * 60,
                from: None,
                until: None,
            },
        )]),
        barcodes: BTreeMap::from([(
            JUICE_CODE.into(),
            Barcode { variation: VariationId::new("juice"), pack: Quantity::ONE },
        )]),
        restricted_numbers: vec![label("28", RestrictedKind::Price), label("29", RestrictedKind::Weight)],
        rules: vec![PriceRule {
            id: RuleId::new("friend"),
            name: text("Friends", "Freunde"),
            kind: RuleKind::OrderPercent(Rate(100_000)),
            target: RuleTarget::All,
            priority: 1,
            stack_group: None,
            availability: vec![],
            mode: None,
            min_subtotal: Minor::ZERO,
            coupon: Some(COUPON.into()),
        }],
        surcharges: vec![],
        tips: vec![TipOffer::Percent(Rate(50_000)), TipOffer::Fixed(Minor(200))],
        ready_minutes: 8,
    }
}

fn rate(id: &str, rate: i32) -> (TaxRateId, TaxRate) {
    let rate = TaxRate {
        name: text("VAT", "MwSt."),
        rate: Rate(rate),
        inclusive: true,
        compound_order: 0,
        letter: None,
    };
    (TaxRateId::new(id), rate)
}

fn rule(class: &str, mode: Option<ServiceMode>, rate: &str) -> TaxRule {
    let (class, rates) = (TaxClassId::new(class), vec![TaxRateId::new(rate)]);
    TaxRule { class, mode, rates, from: None, until: None }
}

fn category(id: &str, items: &[&str]) -> Category {
    Category {
        id: CategoryId::new(id),
        name: text(id, id),
        strapline: Text::default(),
        picture: id.into(),
        tint: Tint::Wheat,
        featured: items.first().map(|i| ItemId::new(i)),
        items: items.iter().map(|i| ItemId::new(i)).collect(),
        availability: vec![],
    }
}

fn label(prefix: &str, kind: RestrictedKind) -> RestrictedNumber {
    RestrictedNumber {
        prefix: prefix.into(),
        item_digits: 5,
        value_digits: 5,
        kind,
        decimals: 3,
        items: BTreeMap::from([("12345".into(), VariationId::new("cheese"))]),
    }
}

fn variation(id: &str, name: &str, price: i64) -> Variation {
    let name = if name.is_empty() { Text::default() } else { text(name, name) };
    let price = Price::Fixed(Minor(price));
    Variation { id: VariationId::new(id), name, sku: None, price, deposit: None, picture: None, kcal: 0 }
}

pub fn item(id: &str, class: &str, price: i64) -> Item {
    Item {
        id: ItemId::new(id),
        kind: ItemKind::Product,
        name: text(id, id),
        tagline: Text::default(),
        description: Text::default(),
        kitchen_name: id.to_uppercase().into(),
        station: None,
        picture: id.into(),
        tax_class: TaxClassId::new(class),
        variations: vec![variation(id, "", price)],
        groups: vec![],
        allergens: Some(Allergens::default()),
        may_contain: Allergens::default(),
        diet: Diet::Any,
        kcal: 0,
        age_min: 0,
        availability: vec![],
        sold_out: None,
        discountable: true,
        meal: None,
    }
}

fn items() -> Vec<Item> {
    let link = |group: &str| ItemGroup {
        group: GroupId::new(group),
        min: None,
        max: None,
        defaults: None,
        hidden: vec![],
    };
    let burger = Item {
        station: Some("grill".into()),
        variations: vec![
            variation("burger-1", "Single", 890),
            Variation { kcal: 1010, ..variation("burger-2", "Double", 1190) },
        ],
        groups: vec![link("bun"), link("extra"), link("without")],
        allergens: Allergens::from_name("gluten"),
        kcal: 700,
        meal: Some(MealOffer { combo: ItemId::new("meal"), slot: SlotId::new("main") }),
        ..item("burger", "food", 890)
    };
    let meal = Item {
        kind: ItemKind::Combo(vec![
            slot("main", &["burger-1", "burger-2"]),
            slot("side", &["fries"]),
            slot("drink", &["cola", "juice"]),
        ]),
        ..item("meal", "food", 1290)
    };
    let mut cola = item("cola", "drink", 350);
    cola.variations[0].deposit = Some(VariationId::new("bottle"));
    let mut cheese = item("cheese", "food", 0);
    cheese.variations[0].price = Price::PerWeight(Minor(1990));
    vec![
        burger,
        meal,
        cola,
        cheese,
        Item { kind: ItemKind::Deposit, discountable: false, ..item("bottle", "none", 25) },
        Item { station: Some("fryer".into()), ..item("fries", "food", 399) },
        item("juice", "drink", 320),
        item("water", "drink", 0),
        Item { age_min: 16, ..item("beer", "drink", 450) },
        Item {
            availability: vec![AvailabilityId::new("morning")],
            station: Some("grill".into()),
            ..item("toast", "food", 500)
        },
    ]
}

fn slot(id: &str, choices: &[&str]) -> ComboSlot {
    ComboSlot {
        id: SlotId::new(id),
        name: text(id, id),
        min: 1,
        max: 1,
        choices: choices
            .iter()
            .map(|v| ComboChoice {
                variation: VariationId::new(v),
                extra: if *v == "burger-2" { Minor(300) } else { Minor::ZERO },
                default: false,
            })
            .collect(),
    }
}

fn groups() -> Vec<ModifierGroup> {
    let group = |id: &str, style, min, max, modifiers| ModifierGroup {
        id: GroupId::new(id),
        name: text(id, id),
        style,
        min,
        max,
        free: 0,
        modifiers,
    };
    vec![
        group("bun", GroupStyle::Choice, 1, 1, vec![modifier("brioche", 0, true), modifier("rye", 0, false)]),
        group(
            "extra",
            GroupStyle::Extra,
            0,
            3,
            vec![modifier("egg", 120, false), modifier("bacon", 150, false)],
        ),
        group("without", GroupStyle::Without, 0, 2, vec![modifier("onion", 0, false)]),
    ]
}

fn modifier(id: &str, price: i64, default: bool) -> Modifier {
    let egg = Allergens::from_name("egg").unwrap();
    Modifier {
        id: ModifierId::new(id),
        name: text(id, id),
        kitchen_name: id.to_uppercase().into(),
        price: Minor(price),
        max: 2,
        default,
        picture: "".into(),
        adds: if id == "egg" { egg } else { Allergens::default() },
        removes: Allergens::default(),
        kcal: 50,
        sold_out: false,
    }
}
