//! What buyers write: a sentence on the thing that struck them, and a sentence to sum up.

use super::catalogue::Model;
use crate::Random;

/// What a review is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aspect {
    Battery,
    Build,
    Camera,
    Screen,
    Software,
    Sound,
    Speed,
    Value,
}

const ASPECTS: [Aspect; 8] = [
    Aspect::Battery,
    Aspect::Build,
    Aspect::Camera,
    Aspect::Screen,
    Aspect::Software,
    Aspect::Sound,
    Aspect::Speed,
    Aspect::Value,
];

/// Sentences on one aspect.
type Sentences = [&'static str; 4];

const PLEASED: Sentences = [
    "I would happily buy it again.",
    "Great phone and worth the wait.",
    "Best upgrade I have made in years.",
    "My whole family loves it.",
];
const DISPLEASED: Sentences = [
    "I regret buying it.",
    "Very disappointing for a new phone.",
    "It goes back to the shop this week.",
    "I cannot recommend it to anyone.",
];
const NEUTRAL: Sentences = [
    "It does what it says and no more.",
    "Average in every other way.",
    "Fine as a second phone for work.",
    "About what I expected for a daily phone.",
];
/// What some begin with, and what says nothing about the phone.
const CONTEXTS: [&str; 8] = [
    "Had it for three months now.",
    "Bought it for my daughter.",
    "Came from an older model of the same make.",
    "I use it for work and travel.",
    "My second phone this year.",
    "Ordered online and collected in town.",
    "I write this after four weeks.",
    "It replaced a phone I had for five years.",
];
/// The share of reviews that begin so, and the share that end in a space typed by accident, in percent.
const WITH_CONTEXT: u32 = 43;
const WITH_TRAILING_SPACE: u32 = 2;
/// A sentence with a comma, one with a quotation mark: they need quoting in the file.
const WITH_COMMA: Sentences = [
    "Bought in black, then swapped.",
    "Delivery took two days, as promised.",
    "Used it at home, at work and on trips.",
    "Box, cable and manual were all there.",
];
const WITH_QUOTE: Sentences = [
    "The shop called it \"nearly new\".",
    "My son says it is \"okay\".",
    "The 6.7\" size takes some getting used to.",
    "Still shows \"update pending\" now and then.",
];
/// Reviews that say the opposite of what their words suggest.
const IRONIC: Sentences = [
    "Great if you love chargers. I see mine more often than my friends.",
    "Excellent paperweight and a beautiful box. The phone in it is another matter.",
    "Not bad at all. I was wrong to doubt it and have nothing to complain about.",
    "I hate how much I like it. My old phone is in a drawer and feels neglected.",
];

/// Writes a review of `model` into `review`; `quoted` ones need quoting in the file.
pub(super) fn write(review: &mut String, model: &Model, quoted: bool, random: &mut Random) {
    review.clear();
    let (praised, blamed) = model.known_for;
    // A third of what is not content is undecided.
    let undecided = (100 - model.content) / 3;
    let mood = random.below(100);
    if !quoted && random.once_in(300) {
        review.push_str(random.pick(&IRONIC));
        return;
    }
    let (first, second) = if mood < model.content {
        let about = if random.percent(45) { praised } else { random.pick(&ASPECTS) };
        (random.pick(about.good()), random.pick(&PLEASED))
    } else if mood < model.content + undecided {
        let reservations = if random.percent(60) { blamed.bad() } else { &NEUTRAL };
        (random.pick(praised.good()), random.pick(reservations))
    } else {
        let about = if random.percent(55) { blamed } else { random.pick(&ASPECTS) };
        (random.pick(about.bad()), random.pick(&DISPLEASED))
    };
    if random.percent(WITH_CONTEXT) {
        extend(review, "", random.pick(&CONTEXTS));
        review.push(' ');
    }
    review.push_str(first);
    if !quoted {
        extend(review, " ", second);
        if random.percent(WITH_TRAILING_SPACE) {
            review.push(' ');
        }
        return;
    }
    match random.below(3) {
        0 => extend(review, " ", random.pick(&WITH_COMMA)),
        1 => extend(review, " ", random.pick(&WITH_QUOTE)),
        _ => extend(review, "\n", second),
    }
}

fn extend(review: &mut String, gap: &str, sentence: &str) {
    review.push_str(gap);
    review.push_str(sentence);
}

impl Aspect {
    /// What content buyers say about it.
    fn good(self) -> &'static Sentences {
        match self {
            Self::Battery => &[
                "Battery lasts two full days with normal use.",
                "Excellent battery and it charges fast.",
                "I only charge it every other night and that is great.",
                "Strong battery even after a long day of maps and calls.",
            ],
            Self::Build => &[
                "Solid build and it feels great in the hand.",
                "It survived three falls without a scratch. Impressive.",
                "Beautiful finish and reliable buttons.",
                "Feels sturdy and well made.",
            ],
            Self::Camera => &[
                "The camera is excellent even after sunset.",
                "Amazing photos of the children in motion.",
                "Sharp pictures and lovely natural colours.",
                "I left my big camera at home and did not miss it. Superb.",
            ],
            Self::Screen => &[
                "The screen is bright and easy to read in the sun.",
                "Gorgeous display with smooth scrolling.",
                "Films look fantastic on this screen.",
                "Lovely sharp display. My eyes are grateful.",
            ],
            Self::Software => &[
                "The software is clean and easy to learn.",
                "Updates arrive quickly and nothing breaks. Excellent.",
                "No clutter and helpful settings. I love it.",
                "Moving over from my old phone was easy.",
            ],
            Self::Sound => &[
                "Speakers are great for podcasts in the kitchen.",
                "Call quality is clear and reliable on the train.",
                "Impressive sound for such a thin phone.",
                "Voices are clear and music sounds good.",
            ],
            Self::Speed => &[
                "Fast and smooth in everything I do.",
                "Apps open at once and games run great.",
                "Excellent speed with a dozen apps open.",
                "It is quick and never gets warm.",
            ],
            Self::Value => &[
                "Good value for what it costs.",
                "Amazing what you get for this price.",
                "Excellent deal compared with dearer phones.",
                "Cheap and still good at what matters to me.",
            ],
        }
    }

    /// What the others say about it.
    fn bad(self) -> &'static Sentences {
        match self {
            Self::Battery => &[
                "Battery drains before the afternoon is over.",
                "Terrible battery and slow charging.",
                "It was dead by lunch again. Poor battery.",
                "The battery gets hot and drops ten percent in one call.",
            ],
            Self::Build => &[
                "The hinge feels fragile and creaks.",
                "Scratched in the first week. Poor build.",
                "The buttons are loose and the frame feels cheap.",
                "It broke after one short fall.",
            ],
            Self::Camera => &[
                "Photos are blurry as soon as it gets dark.",
                "The camera is slow and misses the moment.",
                "Disappointing camera with washed out colours.",
                "Bad pictures indoors and a weak zoom.",
            ],
            Self::Screen => &[
                "The screen flickers at low brightness. Annoying.",
                "Touch is unreliable near the edges.",
                "The display is dim and useless in the sun.",
                "Got a faulty screen with a green line.",
            ],
            Self::Software => &[
                "Full of adverts and apps I cannot remove. Annoying.",
                "The last update was terrible and broke my alarms.",
                "Settings are confusing and the keyboard lags.",
                "It crashes whenever I share a photo.",
            ],
            Self::Sound => &[
                "Speakers sound tinny and weak.",
                "Callers complain about bad echo.",
                "Poor sound with my earphones.",
                "The microphone is unreliable outdoors.",
            ],
            Self::Speed => &[
                "Slow and laggy after two months.",
                "It freezes when I switch between apps.",
                "Games stutter badly and it overheats.",
                "Opening the camera is painfully slow.",
            ],
            Self::Value => &[
                "Far too expensive for what it is.",
                "Overpriced and poor compared with cheaper phones.",
                "The price is a bad joke without a charger.",
                "A waste of money in my opinion.",
            ],
        }
    }
}
