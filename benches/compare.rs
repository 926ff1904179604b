//! Whether the time of a comparison tells how much of a guess is right (X22).
//!
//! `cargo bench --bench compare` compares guesses whose first 0 to 31 bytes of 32 are right, each in as many samples, and prints the
//! median time of each and the slope of a straight line through them, with the error of the slope. A comparison that stops
//! at the first difference is measured beside it, so that the reader sees what a slope looks like on this machine.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::time::Instant;

use bridged::foundation::secret::Secret;

/// Samples of each length.
const SAMPLES: usize = 100_000;

/// Comparisons in one sample: one alone is shorter than the clock's step.
const REPEATS: u32 = 64;

const LENGTH: usize = 32;

fn main() {
    let text = "s3cr3tS3CR3Ts3cr3tS3CR3Ts3cr3t42";
    assert_eq!(text.len(), LENGTH);
    let secret = Secret::new(text);
    report("Secret::matches", text, |guess| secret.matches(guess));
    report("stops at the first difference", text, |guess| {
        let pairs = text.bytes().zip(guess.bytes());
        text.len() == guess.len()
            && pairs
                .into_iter()
                .all(|(own, other)| black_box(own == other))
    });
}

fn report(name: &str, text: &str, matches: impl Fn(&str) -> bool) {
    let guesses: Vec<String> = (0..LENGTH).map(|right| guess(text, right)).collect();
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); LENGTH];
    // The lengths take turns, so that whatever else the machine does meets all of them alike.
    for _ in 0..SAMPLES {
        for (guess, times) in guesses.iter().zip(&mut times) {
            let started = Instant::now();
            for _ in 0..REPEATS {
                black_box(matches(black_box(guess)));
            }
            times.push(started.elapsed().as_secs_f64() * 1e9 / f64::from(REPEATS));
        }
    }
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    let (slope, error) = slope(&medians);
    let shown: Vec<String> = medians
        .iter()
        .map(|median| format!("{median:.1}"))
        .collect();
    println!("{name}: {SAMPLES} samples a length, median ns by right bytes 0..=31");
    println!("  {}", shown.join(" "));
    println!("  slope {slope:+.4} ns a byte, standard error {error:.4}");
}

/// A guess of which so many bytes are right, and the next one is wrong.
fn guess(text: &str, right: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for byte in &mut bytes[right..] {
        *byte = if *byte == b'x' { b'y' } else { b'x' };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The slope of the line of least squares through the values at 0, 1, 2, …, and its standard error.
fn slope(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let middle = (count - 1.0) / 2.0;
    let spread: f64 = (0..values.len())
        .map(|at| (at as f64 - middle).powi(2))
        .sum();
    let together: f64 = values
        .iter()
        .enumerate()
        .map(|(at, value)| (at as f64 - middle) * (value - mean))
        .sum();
    let slope = together / spread;
    let rest: f64 = values
        .iter()
        .enumerate()
        .map(|(at, value)| (value - mean - slope * (at as f64 - middle)).powi(2))
        .sum();
    (slope, (rest / (count - 2.0) / spread).sqrt())
}
