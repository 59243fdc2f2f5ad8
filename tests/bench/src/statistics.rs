//! Percentiles and medians.

/// The value that `share` of all are not above.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "counts of a measurement are far below 2^52"
    )]
    let index = (share * (values.len() - 1) as f64).round() as usize;
    values[index]
}

/// The middle one.
pub fn median(values: &mut [f64]) -> f64 {
    percentile(values, 0.5)
}
