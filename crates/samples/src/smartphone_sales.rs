//! Sales of smartphones: what was sold, where, for how much, and what the buyer thought of it.

mod catalogue;
mod mistakes;
mod reviews;

use std::fmt::Write as _;
use std::io::{self, Write};

use catalogue::MODELS;

use crate::calendar::days_in;
use crate::sheet::{Turn, Written, write_rows};
use crate::{Expected, LongText, Random, Spec};

/// The columns, in the order of the file.
pub(crate) const HEADER: [&str; 11] = [
    "order_id",
    "date",
    "model",
    "brand",
    "release_year",
    "price",
    "region",
    "customer_review",
    "ram",
    "storage",
    "color",
];

/// The first order number; the numbers go up by one from record to record, so each is unique.
const FIRST_ORDER: u64 = 1_000_001;
/// Sales per month: little in summer, much before the holidays.
const MONTHS: [(u32, i64); 12] =
    [(7, 1), (6, 2), (7, 3), (7, 4), (8, 5), (7, 6), (6, 7), (7, 8), (11, 9), (9, 10), (16, 11), (19, 12)];
/// One price in so many has a nought too many: within the allowed range, and wrong.
const ONE_TYPO_IN: u32 = 250;
const LONG_RECORD: u64 = 99;
const LONG_EVERY: u64 = 1_000;

/// One sale as text, cell by cell.
#[derive(Debug, Default)]
struct Sale {
    order_id: String,
    date: String,
    model: String,
    brand: String,
    release_year: String,
    price: String,
    region: String,
    customer_review: String,
    ram: String,
    storage: String,
    color: String,
    cells: Cells,
}

/// How many cells the record has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Cells {
    #[default]
    Right,
    OneMissing,
    OneTooMany,
}

/// Writes smartphone sales as CSV.
///
/// Reviews differ by model, prices by model and storage, regions by brand; sales follow the season and grow from
/// 2024 to 2025. A few prices have a nought too many. Broken records are broken in one of sixteen ways.
///
/// # Errors
///
/// Fails when `out` does.
pub fn smartphone_sales(out: &mut impl Write, spec: &Spec) -> io::Result<Expected> {
    let mut sale = Sale::default();
    write_rows(out, spec, HEADER, |Turn { random, index, bad }, sheet| {
        let quoted = random.share(spec.quoted_share);
        sale.fill(random, index, quoted);
        if bad {
            mistakes::spoil(&mut sale, random);
        }
        let too_long = sale.lengthen(spec.long_text, index);
        let cells = [
            sale.order_id.as_str(),
            &sale.date,
            &sale.model,
            &sale.brand,
            &sale.release_year,
            &sale.price,
            &sale.region,
            &sale.customer_review,
            &sale.ram,
            &sale.storage,
            &sale.color,
        ];
        match sale.cells {
            Cells::Right => sheet.record(cells)?,
            Cells::OneMissing => sheet.record(cells.into_iter().take(HEADER.len() - 1))?,
            Cells::OneTooMany => sheet.record(cells.into_iter().chain(["checked"]))?,
        }
        Ok(if bad || too_long { Written::Rejected } else { Written::Valid })
    })
}

impl Sale {
    /// Makes this a fresh sale without a mistake.
    fn fill(&mut self, random: &mut Random, index: u64, quoted: bool) {
        let model = random.weighted(&MODELS);
        let year = if model.release_year == 2025 || random.percent(58) { 2025 } else { 2024 };
        let month = random.weighted(&MONTHS);
        let day = 1 + random.below(days_in(year, month));
        let step = random.weighted(&[(50, 0), (35, 1), (15, 2)]);
        let storage = match step {
            0 => model.storage,
            1 => model.storage * 2,
            _ => model.storage * 4,
        };
        let ram = if step == 2 { model.ram + 4 } else { model.ram };

        set(&mut self.order_id, format_args!("ORD{}", FIRST_ORDER + index));
        set(&mut self.date, format_args!("{year}-{month:02}-{day:02}"));
        set(&mut self.release_year, format_args!("{}", model.release_year));
        set_price(&mut self.price, model.price + model.price / 9 * step, month, random);
        set(&mut self.ram, format_args!("{ram}"));
        set(&mut self.storage, format_args!("{storage}"));
        put(&mut self.model, model.name);
        put(&mut self.brand, model.brand.name);
        put(&mut self.region, random.weighted(&model.brand.regions));
        put(&mut self.color, random.pick(&model.brand.colors));
        reviews::write(&mut self.customer_review, &model, quoted, random);
        self.cells = Cells::Right;
    }

    /// Stretches the review if this record is to have a long one; true if it then breaks the limit.
    fn lengthen(&mut self, long_text: LongText, index: u64) -> bool {
        // The giant stays on one line, the others run over many.
        let (bytes, sentences) = match long_text {
            LongText::OneRecord if index == LONG_RECORD => (1024 * 1024, "I could go on, and I will. "),
            LongText::JustWithinLimit if index % LONG_EVERY == LONG_EVERY - 1 => {
                (64 * 1024 - 1, "I could go on, and I will. My son said: \"Do.\"\n")
            }
            _ => return false,
        };
        self.customer_review = sentences.repeat(bytes / sentences.len() + 1);
        self.customer_review.truncate(bytes);
        bytes > 64 * 1024
    }
}

/// The price in the shop: cheaper in November, now and then with cents, and rarely with a nought too many.
fn set_price(price: &mut String, list_price: u32, month: i64, random: &mut Random) {
    let asked = if month == 11 && random.percent(60) { list_price - list_price / 10 } else { list_price };
    if asked < 1_000 && random.once_in(ONE_TYPO_IN) {
        set(price, format_args!("{asked}0"));
    } else if random.percent(15) {
        set(price, format_args!("{asked}.{}", random.pick(&["50", "90", "95", "99"])));
    } else {
        set(price, format_args!("{asked}"));
    }
}

fn set(cell: &mut String, value: std::fmt::Arguments<'_>) {
    cell.clear();
    // Writing to a String cannot fail.
    let _ = cell.write_fmt(value);
}

fn put(cell: &mut String, value: &str) {
    cell.clear();
    cell.push_str(value);
}
