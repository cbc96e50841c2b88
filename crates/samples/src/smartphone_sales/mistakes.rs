//! The sixteen ways in which a sale can be wrong, as people and exports get them wrong.

use std::mem;

use super::{Cells, Sale, put, set};
use crate::Random;

/// Each mistake must be one under every reasonable contract: no legal value, whatever the tolerance.
const MISTAKES: [fn(&mut Sale, &mut Random); 16] = [
    |sale, random| {
        put(&mut sale.region, random.pick(&["Europa", "N. America", "EMEA", "Antarctica", "Afrika", "Asai"]));
    },
    |sale, _| put(&mut sale.price, "0"),
    |sale, _| sale.price.insert(0, '-'),
    |sale, random| set(&mut sale.price, format_args!("{}", 10_001 + random.below(80_000))),
    price_as_shown_in_a_shop,
    |sale, random| put(&mut sale.price, random.pick(&["N/A", "abc", "TBC", "free", "see invoice", ""])),
    ram_out_of_range,
    |sale, random| sale.ram.push_str(random.pick(&["GB", " GB", "gb"])),
    |sale, random| put(&mut sale.storage, random.pick(&["0", "0", "128GB", "1 TB", "-256"])),
    |sale, _| sale.order_id.clear(),
    |sale, random| put(&mut sale.model, random.pick(&["", "", "   "])),
    |sale, random| {
        put(&mut sale.date, random.pick(&["2024-02-30", "2025-02-29", "2024-13-01", "2025-06-31", "N/A"]));
    },
    |sale, random| {
        let (day, month) = (1 + random.below(28), 1 + random.below(12));
        match random.below(3) {
            0 => set(&mut sale.date, format_args!("{day:02}/{month:02}/2024")),
            1 => set(&mut sale.date, format_args!("{day}.{month}.2025")),
            _ => set(&mut sale.date, format_args!("{month}/{day}/25")),
        }
    },
    |sale, random| put(&mut sale.release_year, random.pick(&["twenty", "2O24", "n/a", "last year"])),
    |sale, _| sale.cells = Cells::OneMissing,
    |sale, _| sale.cells = Cells::OneTooMany,
];

/// Puts one mistake into the sale; in one case of ten a second one besides.
pub(super) fn spoil(sale: &mut Sale, random: &mut Random) {
    let mistake = random.pick(&MISTAKES);
    mistake(sale, random);
    if random.once_in(10) {
        put(&mut sale.region, "unknown");
    }
}

/// A currency sign or a thousands separator; the separator makes the cell a quoted one.
fn price_as_shown_in_a_shop(sale: &mut Sale, random: &mut Random) {
    match random.below(3) {
        0 => sale.price.insert(0, '$'),
        1 => sale.price.push_str(" EUR"),
        _ => set(&mut sale.price, format_args!("1,{:03}", 100 + random.below(900))),
    }
}

/// Too little, too much, or the cell of its neighbour: no storage is as small as the largest memory.
fn ram_out_of_range(sale: &mut Sale, random: &mut Random) {
    match random.below(3) {
        0 => put(&mut sale.ram, "0"),
        1 => put(&mut sale.ram, random.pick(&["64", "128", "8192"])),
        _ => mem::swap(&mut sale.ram, &mut sale.storage),
    }
}
