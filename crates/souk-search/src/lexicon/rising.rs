//! Values that are numbers in rising order, so that a comparison need not ask every one.

use std::cmp::Ordering;

/// Values that wait to be sorted; chosen: asked one by one in some 5 µs.
const RECENT_MAX: usize = 1_024;

/// The numbers of values, sorted by the number that each is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rising {
    sorted: Vec<u32>,
    recent: Vec<u32>,
}

impl Rising {
    /// Takes in values all at once; `numbers` are those of all values.
    pub(super) fn of(values: Vec<u32>, numbers: &[f64]) -> Rising {
        let mut rising = Rising { sorted: Vec::new(), recent: values };
        rising.sort(numbers);
        rising
    }

    /// Takes in a value; `numbers` are those of all values.
    pub(super) fn push(&mut self, value: u32, numbers: &[f64]) {
        self.recent.push(value);
        if self.recent.len() > RECENT_MAX + self.sorted.len() / 8 {
            self.sort(numbers);
        }
    }

    fn sort(&mut self, numbers: &[f64]) {
        let mut all = std::mem::take(&mut self.sorted);
        all.append(&mut self.recent);
        // Mostly sorted already, which the stable sort makes use of.
        all.sort_by(|left, right| {
            numbers[*left as usize].total_cmp(&numbers[*right as usize]).then(left.cmp(right))
        });
        self.sorted = all;
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.recent.len()
    }

    pub(super) fn bytes(&self) -> usize {
        (self.sorted.capacity() + self.recent.capacity()) * 4
    }

    /// The least and the greatest number whose order is wanted, where `order` never falls as numbers rise;
    /// none when no number's is.
    pub(super) fn span(
        &self,
        numbers: &[f64],
        order: &dyn Fn(u32) -> Option<Ordering>,
        wanted: &dyn Fn(Ordering) -> bool,
    ) -> Option<(f64, f64)> {
        let below = self.sorted.partition_point(|value| order(*value) == Some(Ordering::Less));
        let up_to = self.sorted.partition_point(|value| {
            matches!(order(*value), Some(Ordering::Less | Ordering::Equal))
        });
        let runs = [
            (Ordering::Less, 0..below),
            (Ordering::Equal, below..up_to),
            // What has no order at all has none anywhere: the literal is no number.
            (Ordering::Greater, up_to..self.sorted.len()),
        ];
        let of_runs = runs
            .into_iter()
            .filter(|(order, run)| wanted(*order) && !run.is_empty())
            .flat_map(|(_, run)| [self.sorted[run.start], self.sorted[run.end - 1]]);
        let accepted = of_runs.chain(self.recent.iter().copied());
        let accepted = accepted.filter(|value| order(*value).is_some_and(wanted));
        accepted.map(|value| numbers[value as usize]).fold(None, |span, number| match span {
            None => Some((number, number)),
            Some((least, most)) => Some((f64::min(least, number), f64::max(most, number))),
        })
    }
}
