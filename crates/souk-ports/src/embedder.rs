use std::fmt;

/// Turns texts into vectors, so that texts that mean the same lie close together.
///
/// # Contract
///
/// - Vectors have [`EmbedderModel::dimensions`] numbers, all finite, and length 1; a text that says nothing
///   to the model (an empty one) gets all zeros.
/// - The same text gets the same vector, whatever stands beside it in a call, to within 1e-5.
/// - What a text gets changes only with [`EmbedderModel::version`].
/// - No clock, no network. It computes for milliseconds a text, so a call belongs on no thread that serves others.
pub trait Embedder: fmt::Debug + Send + Sync {
    /// Which model it is.
    fn model(&self) -> &EmbedderModel;

    /// The vectors of texts, one after the other, in their order.
    fn embed(&self, texts: &[&str]) -> Vec<f32>;
}

/// Which model an embedder is. Vectors of two models, or of two versions of one, cannot be compared.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbedderModel {
    /// Its name, as people know it.
    pub name: String,
    /// Numbers of a vector.
    pub dimensions: usize,
    /// Changes whenever any text might get another vector: the hash of its weights, and how they are used.
    pub version: u64,
    /// The language whose texts it can compare, an IETF tag; of others it knows too little to be used unasked.
    pub language: String,
    /// The product of two vectors from which their texts likely have to do with one another. Below lies what any two
    /// texts have in common.
    pub related_from: f32,
}
