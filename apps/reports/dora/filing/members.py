"""Members of the published closed lists: the code that a filed cell holds for each value of the
registry.

Source: list of possible values of 3 March 2025 of the European Banking Authority, as
github.com/giammbo/dora-roi (src/dora_roi/data/eba_closed_lists.json) had it on 2026-11-30; equal
in github.com/intuitem/ciso-assistant-community (documentation/dora-roi-specification.md). A value
that no list at hand has is not filed: the check list names it.
"""

import re
from collections.abc import Mapping

LEI_CODE = "eba_qCO:qx2000"
# a country key that does not apply (CISO Assistant's specification, which quotes the FAQ of the
# EBA of March 2025; 2026-11-30)
NO_COUNTRY = "eba_GA:qx2007"
# a key without a value: answer 2024_7285 at eba.europa.eu/single-rule-book-qa (2026-11-30)
NOT_APPLICABLE = "Not Applicable"

_YES_NO = {"yes": "eba_BT:x28", "no": "eba_BT:x29"}
_LEVELS = {"low": "eba_ZZ:x791", "medium": "eba_ZZ:x792", "high": "eba_ZZ:x793"}
_SERVICES = {f"S{n:02d}": f"eba_TA:S{n:02d}" for n in range(1, 20)}
_IDENTIFIERS = {"LEI": LEI_CODE}

# (template, column): value of the registry: member
MEMBERS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("B_02.01", "0020"): {
        "standalone": "eba_CO:x1",
        "overarching": "eba_CO:x2",
        "subsequent": "eba_CO:x3",
    },
    ("B_02.02", "0040"): _IDENTIFIERS,
    ("B_02.02", "0060"): _SERVICES,
    ("B_02.02", "0090"): {
        "expired": "eba_CO:x4",
        "breach": "eba_CO:x5",
        "impediment": "eba_CO:x6",
        "weakness": "eba_CO:x7",
        "authority": "eba_CO:x8",
        "other": "eba_CO:x9",
    },
    ("B_02.02", "0140"): _YES_NO,
    ("B_02.02", "0170"): _LEVELS,
    ("B_02.02", "0180"): {
        "not_significant": "eba_ZZ:x794",
        "low": "eba_ZZ:x795",
        "material": "eba_ZZ:x796",
        "full": "eba_ZZ:x797",
    },
    ("B_05.01", "0020"): _IDENTIFIERS,
    ("B_05.01", "0070"): {"legal": "eba_CT:x212", "individual": "eba_CT:x213"},
    ("B_05.01", "0120"): _IDENTIFIERS,
    ("B_05.02", "0020"): _SERVICES,
    ("B_05.02", "0040"): _IDENTIFIERS,
    ("B_05.02", "0070"): _IDENTIFIERS,
    ("B_06.01", "0050"): _YES_NO,
    ("B_06.01", "0100"): _LEVELS,
    ("B_07.01", "0030"): _IDENTIFIERS,
    ("B_07.01", "0040"): _SERVICES,
    ("B_07.01", "0050"): {
        "not": "eba_ZZ:x959",
        "highly_complex": "eba_ZZ:x960",
        "medium": "eba_ZZ:x961",
        "easily": "eba_ZZ:x962",
    },
    ("B_07.01", "0060"): {
        "no_alternatives": "eba_ZZ:x963",
        "migration": "eba_ZZ:x964",
        "both": "eba_ZZ:x965",
    },
    ("B_07.01", "0080"): _YES_NO,
    ("B_07.01", "0090"): {
        "easy": "eba_ZZ:x798",
        "difficult": "eba_ZZ:x966",
        "highly_complex": "eba_ZZ:x967",
    },
    ("B_07.01", "0100"): _LEVELS,
    # the member for "not applicable" is unknown: the lists at hand have yes, no and "assessment
    # not performed", which is not the same
    ("B_07.01", "0110"): _YES_NO,
}

COUNTRY_COLUMNS = frozenset(
    {
        ("B_02.02", "0120"),
        ("B_02.02", "0130"),
        ("B_02.02", "0150"),
        ("B_02.02", "0160"),
        ("B_05.01", "0080"),
    }
)
CURRENCY_COLUMNS = frozenset({("B_02.01", "0040"), ("B_05.01", "0090")})
LEI_COLUMNS = frozenset(
    {
        ("B_02.02", "0020"),
        ("B_02.02", "0030"),
        ("B_05.01", "0010"),
        ("B_05.01", "0110"),
        ("B_05.02", "0030"),
        ("B_05.02", "0060"),
        ("B_06.01", "0040"),
        ("B_07.01", "0020"),
    }
)

# members `eba_GA:..` of the list of countries: ISO 3166-1 alpha-2, and XK
_COUNTRY_CODES = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE
    EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
    HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC
    LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
    NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
    """
COUNTRIES = frozenset(_COUNTRY_CODES.split())
# members `eba_CU:...` of the list of currencies: ISO 4217
_CURRENCY_CODES = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP
    BYN BYR BZD CAD CDF CHE CHF CHW CLF CLP CNH CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP
    ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK
    JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LTL LVL LYD MAD MDL MGA MKD
    MMK MNT MOP MRO MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG
    QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLL SOS SRD SSP STD SVC SYP SZL THB TJS TMT TND
    TOP TRY TTD TWD TZS UAH UGX USD UYI UYU UZS VEF VND VUV WST XCD XPF YER ZAR ZMK ZMW ZWL
    """
CURRENCIES = frozenset(_CURRENCY_CODES.split())

# members of the list of licensed activities (B_06.01.0020), which are eba_TA:x28, x104, ... The
# registry stores the activity as text, so the text has to name the member.
_ACTIVITIES = frozenset(
    [
        f"eba_TA:x{n}"
        for n in (
            28,
            104,
            *range(133, 135),
            *range(136, 142),
            143,
            144,
            146,
            147,
            *range(162, 277),
        )
    ]
    + ["eba_TA:qx277", "eba_TA:qx278"]
)
_ACTIVITY_MEMBER = re.compile(r"\beba_TA:q?x[0-9]{1,4}\b")


def activity_member(text: str) -> str | None:
    """Return the member that the text of a licensed activity names, such as `eba_TA:x163`; None if
    it names none of the published list."""
    found = _ACTIVITY_MEMBER.search(text)
    return found[0] if found is not None and found[0] in _ACTIVITIES else None
