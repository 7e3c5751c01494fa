/// Where a shopper met the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// A web page.
    Web,
    /// A mobile application.
    Mobile,
    /// A shop's till.
    Store,
    /// An e-mail.
    Email,
    /// A call centre.
    CallCenter,
}

impl Channel {
    /// Every channel, in the order of their wire codes.
    pub const ALL: [Channel; 5] =
        [Channel::Web, Channel::Mobile, Channel::Store, Channel::Email, Channel::CallCenter];

    /// The name in requests and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Web => "web",
            Channel::Mobile => "mobile",
            Channel::Store => "store",
            Channel::Email => "email",
            Channel::CallCenter => "call_center",
        }
    }

    /// Reads the name in requests and files.
    pub fn parse(text: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|channel| channel.as_str() == text)
    }
}

/// Which system reported a fact. Where two report the same customer order, the greater one wins:
/// the ledger is closer to the money than the shop's server, and that closer than a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// A page or application in the shopper's hands.
    Browser,
    /// The shop's own server.
    Server,
    /// A till.
    PointOfSale,
    /// An imported file or the enterprise ledger.
    Ledger,
}

impl Source {
    /// Every source, weakest first, in the order of their wire codes.
    pub const ALL: [Source; 4] =
        [Source::Browser, Source::Server, Source::PointOfSale, Source::Ledger];

    /// The name in `context.source`.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Browser => "browser",
            Source::Server => "server",
            Source::PointOfSale => "pos",
            Source::Ledger => "erp",
        }
    }

    /// Reads the name in `context.source`.
    pub fn parse(text: &str) -> Option<Source> {
        Source::ALL.into_iter().find(|source| source.as_str() == text)
    }
}

#[cfg(test)]
mod tests;
