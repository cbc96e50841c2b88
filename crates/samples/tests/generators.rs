//! The generators keep their word on size, shares, counts and repeatability.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::{BTreeMap, HashSet};

use samples::{Dataset, Expected, LongText, Spec};

fn generate(dataset: Dataset, spec: &Spec) -> (Vec<u8>, Expected) {
    let mut bytes = Vec::new();
    let expected = dataset.write(&mut bytes, spec).unwrap();
    (bytes, expected)
}

fn records(bytes: &[u8]) -> Vec<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    reader.records().map(Result::unwrap).collect()
}

#[test]
fn the_same_spec_gives_the_same_bytes_and_another_seed_other_ones() {
    for dataset in Dataset::ALL {
        let spec = Spec::benchmark(200_000);
        let other = Spec { seed: 2, ..spec.clone() };
        assert_eq!(generate(dataset, &spec), generate(dataset, &spec));
        assert_ne!(generate(dataset, &spec).0, generate(dataset, &other).0);
    }
}

#[test]
fn a_longer_file_begins_with_the_shorter_one() {
    for dataset in Dataset::ALL {
        let (short, _) = generate(dataset, &Spec::benchmark(50_000));
        let (long, _) = generate(dataset, &Spec::benchmark(500_000));
        assert!(long.starts_with(&short));
    }
}

#[test]
fn counts_add_up_and_match_the_file() {
    for dataset in Dataset::ALL {
        let (bytes, expected) = generate(dataset, &Spec::records(5_000));
        assert_eq!(expected.records, 5_000);
        assert_eq!(expected.valid + expected.rejected, expected.records);
        assert_eq!(records(&bytes).len() as u64, expected.records);
        let share = expected.rejected as f64 / expected.records as f64;
        assert!((0.065..0.095).contains(&share), "{}: {share}", dataset.name());
    }
}

#[test]
fn a_size_is_reached_and_passed_by_less_than_a_record() {
    for dataset in Dataset::ALL {
        let (bytes, _) = generate(dataset, &Spec::benchmark(300_000));
        assert!((300_000..300_500).contains(&bytes.len()), "{}: {}", dataset.name(), bytes.len());
    }
}

#[test]
fn benchmark_rows_have_the_measured_length_and_share_of_quoted_reviews() {
    let (bytes, expected) = generate(Dataset::SmartphoneSales, &Spec::benchmark(10_000_000));
    let length = bytes.len() as f64 / expected.records as f64;
    assert!((157.7..159.7).contains(&length), "{length} bytes a row");

    let reviews = records(&bytes).into_iter().filter_map(|record| record.get(7).map(str::to_owned));
    let quoted = reviews.filter(|review| review.contains([',', '"', '\n'])).count();
    let share = quoted as f64 / expected.records as f64;
    assert!((0.062..0.068).contains(&share), "{share} quoted");

    let rejected = expected.rejected as f64 / expected.records as f64;
    assert!((0.048..0.052).contains(&rejected), "{rejected} rejected");
}

#[test]
fn sales_have_unique_order_numbers() {
    let (bytes, _) = generate(Dataset::SmartphoneSales, &Spec::records(20_000));
    let mut seen = HashSet::new();
    let ids = records(&bytes).into_iter().map(|record| record[0].to_owned()).filter(|id| !id.is_empty());
    assert!(ids.into_iter().all(|id| seen.insert(id)));
}

#[test]
fn good_sales_keep_every_rule() {
    let spec = Spec { bad_share: 0.0, ..Spec::records(20_000) };
    let regions = ["Africa", "Asia", "Europe", "North America", "South America", "Oceania"];
    for record in records(&generate(Dataset::SmartphoneSales, &spec).0) {
        assert_eq!(record.len(), 11, "{record:?}");
        assert!(record.iter().all(|cell| !cell.trim().is_empty()), "{record:?}");
        let (price, ram, storage) = (&record[5], &record[8], &record[9]);
        let price: f64 = price.parse().unwrap();
        assert!(price > 0.0 && price <= 10_000.0, "{record:?}");
        assert!((1..=32).contains(&ram.parse::<u32>().unwrap()), "{record:?}");
        assert!((1..=2_048).contains(&storage.parse::<u32>().unwrap()), "{record:?}");
        assert!(record[4].parse::<u32>().unwrap() <= record[1][..4].parse().unwrap(), "{record:?}");
        assert!(regions.contains(&&record[6]), "{record:?}");
    }
}

#[test]
fn good_readings_keep_every_rule() {
    let spec = Spec { bad_share: 0.0, ..Spec::records(20_000) };
    let mut flagged: BTreeMap<&str, u32> = BTreeMap::new();
    for record in records(&generate(Dataset::HealthMetrics, &spec).0) {
        let number = |index: usize| record[index].parse::<f64>().unwrap();
        let (pulse, oxygen, steps, temperature) = (number(2), number(3), number(4), number(5));
        let (systolic, diastolic) = (number(6), number(7));
        assert!((50.0..=180.0).contains(&pulse), "{record:?}");
        assert!((90.0..=100.0).contains(&oxygen), "{record:?}");
        assert!((0.0..=50_000.0).contains(&steps), "{record:?}");
        assert!((35.0..=40.0).contains(&temperature), "{record:?}");
        assert!((90.0..=180.0).contains(&systolic) && (60.0..=120.0).contains(&diastolic), "{record:?}");
        assert!(diastolic <= systolic, "{record:?}");
        *flagged.entry("heart rate").or_default() += u32::from(!(60.0..=160.0).contains(&pulse));
        *flagged.entry("oxygen").or_default() += u32::from(oxygen < 92.0);
        *flagged.entry("fever").or_default() += u32::from(temperature > 38.0);
        *flagged.entry("pressure").or_default() += u32::from(systolic > 140.0 || diastolic > 90.0);
    }
    // Each flag is raised, and is rare enough to mean something.
    assert!(flagged.values().all(|count| (200..5_000).contains(count)), "{flagged:?}");
}

#[test]
fn good_orders_keep_every_rule() {
    let spec = Spec { bad_share: 0.0, ..Spec::records(20_000) };
    let mut seen = HashSet::new();
    for record in records(&generate(Dataset::CustomerOrders, &spec).0) {
        assert_eq!(record.len(), 9, "{record:?}");
        assert!(record.iter().all(|cell| !cell.trim().is_empty()), "{record:?}");
        assert!(seen.insert(record[0].to_owned()), "{record:?}");
        assert!(record[5].parse::<u32>().unwrap() >= 1, "{record:?}");
        assert!(record[6].parse::<f64>().unwrap() >= 0.0, "{record:?}");
        assert_eq!(record[2].matches('@').count(), 1, "{record:?}");
    }
}

#[test]
fn reviews_differ_by_brand_as_an_analysis_should_find() {
    let spec = Spec { bad_share: 0.0, ..Spec::records(20_000) };
    let mut regret: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for record in records(&generate(Dataset::SmartphoneSales, &spec).0) {
        let (bad, all) = regret.entry(record[3].to_owned()).or_default();
        *all += 1;
        *bad += u32::from(
            ["I regret", "Very disappointing", "It goes back", "I cannot recommend"]
                .iter()
                .any(|sentence| record[7].contains(sentence)),
        );
    }
    let share = |brand: &str| {
        let (bad, all) = regret[brand];
        f64::from(bad) / f64::from(all)
    };
    assert!(share("Velora") > 3.0 * share("Norvik"), "{regret:?}");
    assert!(share("Sunda") < share("Velora"), "{regret:?}");
}

#[test]
fn long_reviews_are_just_within_the_limit_or_far_beyond_it() {
    let longest = |long_text| {
        let spec = Spec { bad_share: 0.0, long_text, ..Spec::records(2_000) };
        let (bytes, expected) = generate(Dataset::SmartphoneSales, &spec);
        let mut lengths: Vec<usize> = records(&bytes).iter().map(|record| record[7].len()).collect();
        lengths.sort_unstable();
        (lengths.iter().rev().take(2).copied().collect::<Vec<_>>(), expected.rejected)
    };
    let (lengths, rejected) = longest(LongText::JustWithinLimit);
    assert_eq!((lengths, rejected), (vec![65_535, 65_535], 0));
    let (lengths, rejected) = longest(LongText::OneRecord);
    assert_eq!((lengths[0], rejected), (1_048_576, 1));
    assert!(lengths[1] < 200);
    let spec = Spec { long_text: LongText::OneRecord, ..Spec::records(100) };
    let (bytes, _) = generate(Dataset::SmartphoneSales, &spec);
    assert!(bytes.split(|byte| *byte == b'\n').any(|line| line.len() > 1_048_576), "one line, not many");
}
