//! Step 5 and the amounts of step 8: what is added to the goods.

use std::collections::BTreeMap;

use crate::catalog::{Catalog, SurchargeAmount, SurchargeTax};
use crate::ids::SurchargeId;
use crate::money::{Minor, Share, apportion};

use super::{PriceContext, PriceError, Role, Sheet, TaxKey, taxes};

/// One surcharge with the tax groups its amount belongs to.
pub(super) struct Added {
    pub(super) id: SurchargeId,
    pub(super) amount: Minor,
    /// The parts of the amount by tax group; empty for one that is added after tax.
    pub(super) taxed: Vec<(TaxKey, Minor)>,
}

/// The surcharges of the catalog that apply in this mode. Percentages are of the goods: nobody pays service on
/// a deposit. Without goods there are none.
pub(super) fn compute(
    catalog: &Catalog,
    sheet: &Sheet,
    context: &PriceContext,
) -> Result<Vec<Added>, PriceError> {
    if sheet.entries.iter().all(|e| e.role != Role::Goods) {
        return Ok(Vec::new());
    }
    let goods = sheet.goods_net()?;
    let mut added = Vec::new();
    for surcharge in catalog.surcharges.iter().filter(|s| s.mode.is_none_or(|mode| mode == context.mode)) {
        let amount = match surcharge.amount {
            SurchargeAmount::Fixed(amount) => amount,
            SurchargeAmount::Percent(rate) => goods.percent(rate).ok_or(PriceError::Overflow)?,
        };
        let taxed = match &surcharge.tax {
            SurchargeTax::Class(class) => {
                let key = taxes::key(catalog, class, context)
                    .ok_or_else(|| PriceError::NoSurchargeTax { surcharge: surcharge.id.clone() })?;
                vec![(key, amount)]
            }
            SurchargeTax::FollowLines => follow_lines(sheet, amount)?,
            SurchargeTax::Untaxed => Vec::new(),
        };
        added.push(Added { id: surcharge.id.clone(), amount, taxed });
    }
    Ok(added)
}

/// The amount split over the tax groups of the goods, in proportion to what the groups cost.
fn follow_lines(sheet: &Sheet, amount: Minor) -> Result<Vec<(TaxKey, Minor)>, PriceError> {
    let mut groups: BTreeMap<&TaxKey, Vec<Minor>> = BTreeMap::new();
    for entry in sheet.entries.iter().filter(|e| e.role == Role::Goods) {
        groups.entry(&entry.tax).or_default().push(entry.net);
    }
    let shares = groups
        .into_iter()
        .map(|(key, nets)| Ok(Share { weight: super::sum(nets.into_iter())?, key }))
        .collect::<Result<Vec<_>, PriceError>>()?;
    let amounts = apportion(amount, &shares);
    Ok(shares.into_iter().map(|share| share.key.clone()).zip(amounts).collect())
}
