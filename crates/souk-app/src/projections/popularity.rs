use super::histories::Touch;
use super::orders::Report;

/// What is in demand, in each site and channel: views, additions to carts, purchases.
#[derive(Debug, Default)]
pub struct Popularity {}

impl Popularity {
    pub(crate) const NAME: &'static str = "popularity";
    pub(crate) const VERSION: u16 = 1;

    pub(crate) fn snapshot(&self) -> Vec<u8> {
        Vec::new()
    }

    pub(crate) fn restore(bytes: &[u8]) -> Result<Popularity, souk_core::wire::WireError> {
        let _ = bytes;
        Ok(Popularity::default())
    }

    pub(crate) fn touched(&mut self, touch: &Touch, site: u32, sign: i32) {
        let _ = (touch, site, sign);
    }

    pub(crate) fn digest(&self, name: impl Fn(souk_recommend::Item) -> u128) -> u128 {
        let _ = name;
        0
    }

    pub(crate) fn sold(&mut self, placed: &Report, site: u32, sign: i32) {
        let _ = (placed, site, sign);
    }
}
