//! Many products at once: pieces on several threads, each with a lexicon of its own, taken in in order.

use std::borrow::Borrow;
use std::sync::mpsc::sync_channel;

use souk_core::Product;

use super::SearchIndex;
use crate::chunk::{Chunk, Flat, Place, Postings};
use crate::document::{Lengths, Reader, lengths};
use crate::lexicon::Lexicon;
use crate::settings::Settings;

/// Products from which pieces are worth their lexicons; chosen.
pub(super) const BULK_MIN: usize = 8_192;
/// Products of one piece: a chunk, so that the outcome does not depend on the number of threads.
const PIECE: usize = Chunk::ROWS_MAX;

impl SearchIndex {
    /// An index of these products, on `threads` threads; the outcome does not depend on their number.
    pub fn build<P: Borrow<Product> + Sync>(
        settings: Settings,
        products: &[P],
        threads: usize,
    ) -> SearchIndex {
        let mut index = SearchIndex::new(settings);
        index.measure(products);
        index.take_pieces(products, threads);
        index
    }

    /// Takes the average lengths of texts from these products. For an index that is still empty:
    /// products that it holds already keep the weights they came with.
    pub fn measure<P: Borrow<Product>>(&mut self, products: &[P]) {
        self.lengths = lengths(products, &self.settings);
    }

    pub(crate) fn take_pieces<P: Borrow<Product> + Sync>(
        &mut self,
        products: &[P],
        threads: usize,
    ) {
        let pieces: Vec<&[P]> = products.chunks(PIECE).collect();
        let (settings, lengths) = (self.settings.clone(), self.lengths);
        let about = (&settings, &lengths);
        let threads = threads.clamp(1, pieces.len().max(1));
        std::thread::scope(|scope| {
            // Each worker has every so many-th piece and waits when one of its own is not taken yet.
            let start = |first: usize| {
                let (sender, receiver) = sync_channel(1);
                let own = pieces.iter().skip(first).step_by(threads);
                scope.spawn(move || {
                    for piece in own {
                        if sender.send(build_piece(piece, about)).is_err() {
                            return;
                        }
                    }
                });
                receiver
            };
            let workers: Vec<_> = (0..threads).map(start).collect();
            for number in 0..pieces.len() {
                // A worker that panicked sends nothing more; the scope passes its panic on.
                let Ok((chunk, lexicon)) = workers[number % threads].recv() else { return };
                self.take_chunk(chunk, &lexicon);
            }
        });
        self.learn();
    }

    fn take_chunk(&mut self, mut chunk: Chunk, lexicon: &Lexicon) {
        let numbers = self.lexicon.absorb(lexicon);
        chunk.renumber(&numbers);
        // An empty open chunk gives its place; any other is sealed as it is.
        if self.chunks.last().is_some_and(|open| open.len() == 0) {
            self.chunks.pop();
        }
        if let Some(open) = self.chunks.last_mut() {
            open.seal();
        }
        let number = self.chunks.len() as u32;
        let n_rows = chunk.len();
        self.chunks.push(chunk);
        for row in 0..n_rows {
            self.register(Place { chunk: number, row: row as u16 });
        }
        // The sealed chunk takes no more, full or not; a new one is opened behind it.
        self.chunks.push(Chunk::default());
    }
}

fn build_piece<P: Borrow<Product>>(
    products: &[P],
    about: (&Settings, &Lengths),
) -> (Chunk, Lexicon) {
    let mut lexicon = Lexicon::new(&about.0.languages);
    let (mut reader, mut chunk) = (Reader::default(), Chunk::default());
    let mut postings = Vec::new();
    for product in products.iter().map(Borrow::borrow) {
        let draft = reader.read(product, &mut lexicon, about);
        let row = chunk.push_row(product.id.as_str(), &product.title, draft);
        postings.extend(draft.postings.iter().map(|(term, impact)| (*term, row, *impact)));
    }
    chunk.postings = Postings::Sealed(Flat::of(&postings, lexicon.terms.len()));
    chunk.seal();
    (chunk, lexicon)
}
