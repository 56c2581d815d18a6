//! The currencies of ISO 4217 with the decimals of their minor units.

use super::Currency;

/// No minor unit.
const NO_DECIMALS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";

/// Thousandths.
const THREE_DECIMALS: &str = "BHD IQD JOD KWD LYD OMR TND";

/// Hundredths.
const TWO_DECIMALS: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP \
     BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD \
     HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP \
     MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG \
     SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD XCG \
     YER ZAR ZMW ZWG";

impl Currency {
    /// The currency with this code, with the decimals that ISO 4217 gives it.
    pub fn from_code(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        let lists = [(NO_DECIMALS, 0), (TWO_DECIMALS, 2), (THREE_DECIMALS, 3)];
        let exponent = lists.into_iter().find(|(list, _)| list.split(' ').any(|known| known == code))?.1;
        Some(Self { code: letters, exponent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_have_the_decimals_of_iso_4217() {
        assert_eq!(Currency::from_code("EUR"), Some(Currency::EUR));
        assert_eq!(Currency::from_code("JPY").map(|c| c.exponent), Some(0));
        assert_eq!(Currency::from_code("KWD").map(|c| c.exponent), Some(3));
        assert_eq!(Currency::from_code("ERU"), None);
        assert_eq!(Currency::from_code("eur"), None);
        assert_eq!(Currency::from_code(""), None);
    }
}
