//! Orders of a small web shop.

use std::io::{self, Write};

use crate::calendar::days_in;
use crate::sheet::{Turn, Written, write_rows};
use crate::{Expected, Random, Spec};

/// The columns, in the order of the file.
pub(crate) const HEADER: [&str; 9] = [
    "order_id",
    "customer_name",
    "email",
    "product_category",
    "product_name",
    "quantity",
    "unit_price",
    "order_date",
    "customer_location",
];

const FIRST_ORDER: u64 = 40_001;

/// Something the shop sells.
#[derive(Clone, Copy)]
struct Product {
    category: &'static str,
    name: &'static str,
    /// In cents.
    price: u32,
    /// How many of it people order at most.
    most: u32,
}

const fn product(category: &'static str, name: &'static str, price: u32, most: u32) -> Product {
    Product { category, name, price, most }
}

const PRODUCTS: [(u32, Product); 16] = [
    (9, product("Kitchen", "Enamel Coffee Pot", 3450, 2)),
    (7, product("Kitchen", "Bread Knife", 2790, 2)),
    (6, product("Kitchen", "Linen Tea Towels (set of 3)", 1800, 4)),
    (3, product("Kitchen", "Cast Iron Casserole", 11900, 1)),
    (8, product("Books", "A Field Guide to Garden Birds", 1695, 3)),
    (6, product("Books", "Soups for Every Season", 2400, 3)),
    (4, product("Books", "The Night Ferry", 999, 5)),
    (6, product("Garden", "Watering Can 5 l", 2995, 2)),
    (5, product("Garden", "Tomato Seeds", 320, 12)),
    (2, product("Garden", "Cedar Cold Frame", 18900, 1)),
    (6, product("Clothing", "Wool Scarf", 3900, 2)),
    (5, product("Clothing", "Rain Jacket", 9450, 2)),
    (4, product("Clothing", "Walking Socks", 1275, 6)),
    (4, product("Electronics", "Desk Lamp", 5490, 2)),
    (3, product("Electronics", "Shortwave Radio", 7900, 1)),
    (1, product("Electronics", "Catalogue Sample Card", 0, 1)),
];

const FIRST_NAMES: [&str; 16] = [
    "Amina", "Bram", "Chiara", "Dayo", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jakub", "Keiko", "Leila",
    "Mateo", "Nora", "Oskar", "Priya",
];
const LAST_NAMES: [&str; 16] = [
    "Adeyemi",
    "Bianchi",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Nakamura",
    "O'Brien",
    "Patel",
];
const LOCATIONS: [(u32, &str); 10] = [
    (14, "Rotterdam"),
    (12, "Bologna"),
    (10, "Leeds"),
    (9, "Lyon"),
    (9, "Gdansk"),
    (8, "Bergen"),
    (7, "Porto"),
    (6, "Graz"),
    (5, "Cork"),
    (4, "Izmir"),
];

/// Orders per month of 2025: the shop lives from gifts.
const MONTHS: [(u32, i64); 12] =
    [(6, 1), (5, 2), (7, 3), (9, 4), (9, 5), (7, 6), (6, 7), (6, 8), (8, 9), (8, 10), (13, 11), (18, 12)];

/// One order as text; the number of cells is part of it.
struct Order {
    cells: Vec<String>,
    /// The identifier of an earlier record, to be used twice by mistake.
    earlier: Option<String>,
}

/// Writes orders as CSV.
///
/// Orders peak before the holidays; some are wholesale orders that stand out by their quantity. Broken records are
/// clerical mistakes, an order number used twice among them.
///
/// # Errors
///
/// Fails when `out` does.
pub fn customer_orders(out: &mut impl Write, spec: &Spec) -> io::Result<Expected> {
    let mut last_valid = None;
    write_rows(out, spec, HEADER, |Turn { random, index, bad }, sheet| {
        let mut order = Order::place(random, index, last_valid.take());
        if bad {
            let mistake = random.pick(&MISTAKES);
            mistake(&mut order, random);
        }
        sheet.record(order.cells.iter().map(String::as_str))?;
        last_valid = if bad { order.earlier } else { order.cells.into_iter().next() };
        Ok(if bad { Written::Rejected } else { Written::Valid })
    })
}

impl Order {
    /// An order that breaks no rule.
    fn place(random: &mut Random, index: u64, earlier: Option<String>) -> Self {
        let (first, last) = (random.pick(&FIRST_NAMES), random.pick(&LAST_NAMES));
        let email = format!("{first}.{last}@example.{}", random.pick(&["com", "net", "org"]));
        let product = random.weighted(&PRODUCTS);
        let wholesale = random.once_in(60) && product.most > 1;
        let quantity = if wholesale { random.below(90) + 30 } else { random.below(product.most) + 1 };
        let month = random.weighted(&MONTHS);
        let day = 1 + random.below(days_in(2025, month));
        Self {
            cells: vec![
                format!("ORD-{}", FIRST_ORDER + index),
                format!("{first} {last}"),
                email.to_lowercase().replace('\'', ""),
                product.category.to_owned(),
                product.name.to_owned(),
                quantity.to_string(),
                format!("{}.{:02}", product.price / 100, product.price % 100),
                format!("2025-{month:02}-{day:02}"),
                random.weighted(&LOCATIONS).to_owned(),
            ],
            earlier,
        }
    }

    fn cell(&mut self, column: &str) -> Option<&mut String> {
        let at = HEADER.iter().position(|name| *name == column)?;
        self.cells.get_mut(at)
    }

    fn set(&mut self, column: &str, value: impl Into<String>) {
        if let Some(cell) = self.cell(column) {
            *cell = value.into();
        }
    }
}

/// What clerks and exports get wrong: none of it is a legal order.
const MISTAKES: [fn(&mut Order, &mut Random); 11] = [
    |order, random| order.set("quantity", random.pick(&["0", "-1", "-12"])),
    |order, random| order.set("quantity", random.pick(&["two", "1.5", "3 pcs", "N/A"])),
    |order, random| order.set("unit_price", random.pick(&["-5.00", "-34.50"])),
    |order, random| order.set("unit_price", random.pick(&["$15.50", "1,299.00", "EUR 12", "abc", ""])),
    |order, _| order.set("order_id", ""),
    |order, _| {
        // The first record has no earlier one to repeat; an empty number is as wrong.
        let earlier = order.earlier.clone().unwrap_or_default();
        order.set("order_id", earlier);
    },
    |order, _| order.set("customer_name", ""),
    |order, random| {
        order.set("order_date", random.pick(&["2025-02-30", "15 Jan 2025", "01/15/2025", "soon"]))
    },
    |order, _| {
        if let Some(email) = order.cell("email") {
            *email = email.replace('@', " at ");
        }
    },
    |order, _| {
        order.cells.pop();
    },
    // A remark typed behind a comma, without quotes: one cell too many.
    |order, random| order.cells.push(random.pick(&[" gift wrapped", " 2nd floor", " see note"]).to_owned()),
];
