//! How large a catalog may be. A limit that a shop meets is a message with a place; without it the same shop
//! meets an empty memory or a screen that cannot be read.

use crate::money::Rate;

/// Longest id: fits a column of a spreadsheet and a line of a log.
pub const MAX_ID_CHARS: usize = 64;

/// Items: four times the largest shop that is expected (5,000).
pub const MAX_ITEMS: usize = 20_000;

/// Versions of one item: more do not fit a screen page.
pub const MAX_VARIATIONS: usize = 100;

/// Categories: a rail of more cannot be browsed.
pub const MAX_CATEGORIES: usize = 200;

/// Modifier groups of the catalog, and tax rules, bar codes and so on in proportion.
pub const MAX_GROUPS: usize = 5_000;

/// Modifiers of one group.
pub const MAX_MODIFIERS: usize = 200;

/// Groups on one item: each is a section of its page.
pub const MAX_ITEM_GROUPS: usize = 30;

/// How often one modifier, and how many of one group, can be taken for one piece.
pub const MAX_CHOICES: u32 = 99;

/// Slots of one combo.
pub const MAX_SLOTS: usize = 20;

/// Picks for one slot.
pub const MAX_PICKS: u32 = 20;

/// Choices of one slot.
pub const MAX_SLOT_CHOICES: usize = 500;

/// Availability windows.
pub const MAX_AVAILABILITY: usize = 1_000;

/// Tax rates: the largest country has about twenty.
pub const MAX_TAX_RATES: usize = 100;

/// Tax rules: classes × modes × changes over the years.
pub const MAX_TAX_RULES: usize = 2_000;

/// Rates on one class: federal, state, county, city and some to spare.
pub const MAX_RATES_TOGETHER: usize = 8;

/// Bar codes: several for each item.
pub const MAX_BARCODES: usize = 100_000;

/// Rules for labels with an embedded price or weight.
pub const MAX_RESTRICTED: usize = 100;

/// Discount rules: each is tried on each line.
pub const MAX_RULES: usize = 500;

/// Surcharges.
pub const MAX_SURCHARGES: usize = 20;

/// Tips offered: one row of buttons.
pub const MAX_TIPS: usize = 6;

/// Languages: one page of buttons.
pub const MAX_LANGUAGES: usize = 24;

/// Length of a name in characters: two lines on a card, one and a half on a receipt.
pub const MAX_NAME_CHARS: usize = 120;

/// Length of a description in characters: a page without scrolling.
pub const MAX_DESCRIPTION_CHARS: usize = 1_000;

/// Length of a bar code, picture or station name.
pub const MAX_WORD_CHARS: usize = 64;

/// Highest rate of tax, discount, surcharge or tip.
pub const MAX_RATE: Rate = Rate(1_000_000);

/// Problems that a check reports; beyond it the catalog has one mistake many times.
pub const MAX_PROBLEMS: usize = 500;
