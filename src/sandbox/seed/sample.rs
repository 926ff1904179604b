//! The sample leads that every new developer org contains, as its first visitors know them.

/// One sample lead.
pub(super) struct Sample {
    pub(super) salutation: &'static str,
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) title: &'static str,
    pub(super) company: &'static str,
    pub(super) state: &'static str,
    pub(super) country: &'static str,
    pub(super) phone: &'static str,
    pub(super) email: &'static str,
    pub(super) source: &'static str,
    pub(super) status: &'static str,
    pub(super) industry: &'static str,
}

const OPEN: &str = "Open - Not Contacted";
const WORKING: &str = "Working - Contacted";
const CLOSED: &str = "Closed - Not Converted";

macro_rules! samples {
    ($([$salutation:literal $first:literal $last:literal, $title:literal, $company:literal,
        $state:literal $country:literal, $phone:literal, $email:literal, $source:literal, $status:ident, $industry:literal])*) => {
        &[$(Sample {
            salutation: $salutation,
            first: $first,
            last: $last,
            title: $title,
            company: $company,
            state: $state,
            country: $country,
            phone: $phone,
            email: $email,
            source: $source,
            status: $status,
            industry: $industry,
        },)*]
    };
}

/// The sample leads in the order in which they were created.
pub(super) const SAMPLES: &[Sample] = samples! {
    ["Ms." "Bertha" "Boxer", "Director of Vendor Relations", "Farmers Coop. of Florida",
     "FL" "USA", "(850) 644-4200", "bertha@fcof.net", "Web", WORKING, "Agriculture"]
    ["Ms." "Phyllis" "Cotton", "CFO", "Abbott Insurance",
     "VA" "USA", "(703) 757-1000", "pcotton@abbottins.net", "Web", OPEN, "Insurance"]
    ["Mr." "Jeff" "Glimpse", "SVP, Procurement", "Jackson Controls",
     "" "Taiwan, Republic Of China", "886-2-25474189", "jeffg@jackson.com", "Phone Inquiry", OPEN, "Manufacturing"]
    ["Mr." "Mike" "Braund", "VP", "Metropolitan Health Services",
     "MD" "USA", "(410) 381-2334", "likeb@metro.com", "Purchased List", OPEN, "Healthcare"]
    ["Ms." "Patricia" "Feager", "CEO", "International Shipping Co.",
     "NC" "USA", "(336) 777-1970", "patricia_feager@is.com", "Partner Referral", WORKING, "Shipping"]
    ["Ms." "Brenda" "Mcclure", "CFO", "Cadinal Inc.",
     "IL" "USA", "(847) 262-5000", "brenda@cardinal.net", "Web", WORKING, "Finance"]
    ["Ms." "Violet" "Maccleod", "VP, Finance", "Emerson Transport",
     "GA" "USA", "(770) 395-2370", "violetm@emersontransport.com", "Web", WORKING, "Transportation"]
    ["Ms." "Kathy" "Snyder", "Regional General Manager", "TNR Corp.",
     "CT" "USA", "(860) 273-0123", "ksynder@tnr.net", "Purchased List", WORKING, "Technology"]
    ["Mr." "Tom" "James", "SVP, Production", "Delphi Chemicals",
     "MN" "USA", "(952) 346-3500", "tom.james@delphi.chemicals.com", "Web", WORKING, "Chemicals"]
    ["Ms." "Shelly" "Brownell", "SVP, Technology", "Western Telecommunications Corp.",
     "CA" "USA", "(408) 326-9000", "shellyb@westerntelecom.com", "Web", OPEN, "Telecommunications"]
    ["Ms." "Pamela" "Owenby", "SVP, Technology", "Hendrickson Trading",
     "PA" "USA", "(570) 326-1571", "pamela_owenby@hendricksontrading.com", "Partner Referral", CLOSED, "Banking"]
    ["Mr." "Norm" "May", "SVP, Operations", "Greenwich Media",
     "OH" "USA", "(419) 289-3555", "norm_may@greenwich.net", "Web", WORKING, "Media"]
    ["Ms." "Kristen" "Akin", "Director, Warehouse Mgmt", "Aethna Home Products",
     "VA" "USA", "(434) 369-3100", "kakin@athenahome.com", "Partner Referral", WORKING, "Retail"]
    ["Ms." "Sandra" "Eberhard", "VP, Production", "Highland Manufacturing Ltd.",
     "CA" "USA", "(626) 440-0700", "sandra_e@highland.net", "Purchased List", WORKING, "Manufacturing"]
    ["Mr." "Bill" "Dadio Jr", "CFO", "Zenith Industrial Partners",
     "OH" "USA", "(614) 431-5000", "bill_dadio@zenith.com", "Web", CLOSED, "Manufacturing"]
    ["Mr." "Jack" "Rogers", "VP, Facilities", "Burlington Textiles Corp of America",
     "NC" "USA", "(336) 222-7000", "jrogers@btca.com", "Web", WORKING, "Apparel"]
    ["Ms." "Betty" "Bair", "VP, Administration", "American Banking Corp.",
     "PA" "USA", "(610) 265-9100", "bblair@abankingco.com", "Purchased List", WORKING, "Banking"]
    ["Mr." "John" "Gardner", "COO", "3C Systems",
     "MA" "USA", "(781) 555-0138", "jgardner@3csystems.com", "Phone Inquiry", OPEN, "Technology"]
    ["Ms." "Carolyn" "Crenshaw", "VP, Technology", "Ace Iron and Steel Inc.",
     "AL" "USA", "(251) 679-2200", "carolync@aceis.com", "Phone Inquiry", CLOSED, "Manufacturing"]
    ["Mr." "Andy" "Young", "SVP, Operations", "Dickenson plc",
     "KS" "USA", "(620) 241-6200", "a_young@dickenson.com", "Purchased List", CLOSED, "Consulting"]
    ["Mr." "David" "Monaco", "CFO", "Blues Entertainment Corp.",
     "" "Japan", "(033) 452-1299", "david@blues.com", "Purchased List", WORKING, "Entertainment"]
    ["Ms." "Eugena" "Luce", "CEO", "Pacific Retail Group",
     "MA" "USA", "(781) 270-6500", "eluce@pacificretail.com", "Purchased List", CLOSED, "Retail"]
};
