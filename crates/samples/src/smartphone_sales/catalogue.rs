//! What the shops sell: invented brands and models, each with its price, its buyers and its reputation.

use super::reviews::Aspect;
use super::reviews::Aspect::{Battery, Build, Camera, Screen, Software, Sound, Speed, Value};

/// A maker of phones.
pub(super) struct Brand {
    pub(super) name: &'static str,
    /// Where it sells.
    pub(super) regions: [(u32, &'static str); 6],
    pub(super) colors: [&'static str; 4],
}

/// A phone.
#[derive(Clone, Copy)]
pub(super) struct Model {
    pub(super) brand: &'static Brand,
    pub(super) name: &'static str,
    pub(super) release_year: u32,
    /// The price of the smallest version.
    pub(super) price: u32,
    /// Memory of the smallest version, in GB.
    pub(super) ram: u32,
    /// Storage of the smallest version, in GB.
    pub(super) storage: u32,
    /// Out of a hundred reviews, how many are content.
    pub(super) content: u32,
    /// What buyers praise, and what they complain about.
    pub(super) known_for: (Aspect, Aspect),
}

/// How much a brand sells in Africa, Asia, Europe, North America, South America and Oceania.
const fn sold(shares: [u32; 6]) -> [(u32, &'static str); 6] {
    let [africa, asia, europe, north_america, south_america, oceania] = shares;
    [
        (africa, "Africa"),
        (asia, "Asia"),
        (europe, "Europe"),
        (north_america, "North America"),
        (south_america, "South America"),
        (oceania, "Oceania"),
    ]
}

static NORVIK: Brand = Brand {
    name: "Norvik",
    regions: sold([6, 10, 45, 25, 6, 8]),
    colors: ["Fjord Blue", "Basalt", "Birch White", "Moss"],
};
static HANARI: Brand = Brand {
    name: "Hanari",
    regions: sold([8, 48, 16, 14, 7, 7]),
    colors: ["Ink Black", "Plum", "Rice White", "Jade"],
};
static VELORA: Brand = Brand {
    name: "Velora",
    regions: sold([10, 12, 28, 26, 16, 8]),
    colors: ["Midnight", "Coral", "Pearl", "Sand Gold"],
};
static SUNDA: Brand = Brand {
    name: "Sunda",
    regions: sold([46, 30, 5, 3, 13, 3]),
    colors: ["Lagoon", "Black", "Sunset Orange", "Palm Green"],
};
static TAMSIN: Brand = Brand {
    name: "Tamsin",
    regions: sold([9, 8, 30, 12, 8, 33]),
    colors: ["Slate", "Cream", "Sage", "Rust"],
};
static QUILLON: Brand = Brand {
    name: "Quillon",
    regions: sold([4, 9, 17, 58, 6, 6]),
    colors: ["Graphite", "Silver", "Titanium Blue", "Ruby"],
};
static MIRADO: Brand = Brand {
    name: "Mirado",
    regions: sold([12, 6, 12, 14, 52, 4]),
    colors: ["Black", "Andes Grey", "Sky", "Lime"],
};

macro_rules! models {
    ($($weight:literal $brand:ident $name:literal $year:literal $price:literal $ram:literal $storage:literal
        $content:literal $good:ident $bad:ident;)*) => {
        [$(($weight, Model {
            brand: &$brand,
            name: $name,
            release_year: $year,
            price: $price,
            ram: $ram,
            storage: $storage,
            content: $content,
            known_for: ($good, $bad),
        })),*]
    };
}

/// Every model, with how often it is sold.
pub(super) static MODELS: [(u32, Model); 26] = models! {
    // weight, brand, model, year, price, RAM, storage, content, praised for, blamed for
    9 NORVIK  "Aurora 12"     2024  849  8 128 84 Camera   Value;
    6 NORVIK  "Aurora 12 Pro" 2024 1149 12 256 88 Camera   Value;
    5 NORVIK  "Aurora 13"     2025  899  8 128 80 Screen   Value;
    4 NORVIK  "Lykke"         2023  429  6 128 76 Build    Speed;
    8 HANARI  "Kaze 8"        2024  699  8 128 74 Speed    Sound;
    5 HANARI  "Kaze 8 Max"    2024  999 12 256 78 Battery  Build;
    4 HANARI  "Kaze Fold"     2025 1799 12 256 52 Screen   Build;
    6 HANARI  "Hana Lite"     2023  279  4  64 66 Value    Camera;
    7 VELORA  "V30"           2023  549  6 128 34 Screen   Battery;
    6 VELORA  "V40"           2024  629  8 128 28 Screen   Battery;
    4 VELORA  "V40 Ultra"     2024 1299 12 256 38 Camera   Software;
    3 VELORA  "Mini"          2022  389  4  64 40 Build    Battery;
    9 SUNDA   "Go 5"          2023  149  4  64 70 Value    Camera;
    8 SUNDA   "Go 6"          2024  179  4  64 77 Battery  Camera;
    5 SUNDA   "Spark"         2024  249  6 128 72 Value    Software;
    3 SUNDA   "Spark Plus"    2025  329  8 128 75 Battery  Speed;
    4 TAMSIN  "Fairway"       2023  599  6 128 69 Build    Speed;
    4 TAMSIN  "Fairway II"    2025  679  8 128 79 Build    Camera;
    3 TAMSIN  "Harbour"       2024  459  6 128 62 Software Sound;
    7 QUILLON "Q7"            2024  799  8 128 63 Software Value;
    5 QUILLON "Q7 Pro"        2024 1199 12 256 67 Speed    Value;
    4 QUILLON "Q Fold 2"      2025 1999 12 256 45 Screen   Build;
    3 QUILLON "Q5e"           2022  399  4  64 58 Software Battery;
    7 MIRADO  "Alto 3"        2023  219  4  64 61 Battery  Speed;
    6 MIRADO  "Alto 4"        2024  259  6 128 68 Battery  Speed;
    4 MIRADO  "Cumbre"        2025  749  8 256 71 Sound    Software;
};
