//! Crawlers by the name that they give themselves in `context.userAgent`, which is read and never kept.
//!
//! The names are those of the crate `isbot`, some that are newer, and the shop's own. What gives another
//! name is told by its behaviour (`learning.views_per_hour_max`).

use isbot::Bots;
use parking_lot::Mutex;

use super::incoming::Sender;

/// Names that the crate does not know yet.
const NEWER: [&str; 6] =
    ["claude-user", "googleother", "cohere-ai", "cypress/", "mistralai-user", "playwright"];
/// Bytes of a name that are looked at; browsers' names have a few hundred.
const NAME_BYTES_MAX: usize = 2_000;

/// Tells crawlers from browsers.
pub(crate) struct Crawlers(Bots);

impl std::fmt::Debug for Crawlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Crawlers")
    }
}

impl Crawlers {
    /// With further words of the shop's own.
    pub(crate) fn new(words: &[String]) -> Crawlers {
        let mut bots = Bots::default();
        let own = words.iter().map(|word| word.trim()).filter(|word| !word.is_empty());
        let all: Vec<String> = NEWER.into_iter().chain(own).map(literal).collect();
        bots.append(&all.iter().map(String::as_str).collect::<Vec<_>>());
        Crawlers(bots)
    }

    /// Whether the name is one of a crawler; an empty one says nothing.
    pub(crate) fn is_crawler(&self, user_agent: &str) -> bool {
        !user_agent.is_empty() && user_agent.len() <= NAME_BYTES_MAX && self.0.is_bot(user_agent)
    }
}

/// The agents of one request: mostly one, whose name is asked about once.
#[derive(Debug)]
pub(super) struct Agents<'a> {
    crawlers: &'a Crawlers,
    /// The name that came last, and what it was taken for.
    last: Mutex<(String, Sender)>,
}

impl<'a> Agents<'a> {
    pub(super) fn new(crawlers: &'a Crawlers) -> Agents<'a> {
        Agents { crawlers, last: Mutex::default() }
    }

    /// Who acts under this name.
    pub(super) fn sender(&self, agent: &str) -> Sender {
        let mut last = self.last.lock();
        if last.0 != agent {
            let is_crawler = self.crawlers.is_crawler(agent);
            let sender = if is_crawler { Sender::Crawler } else { Sender::Shopper };
            *last = (agent.to_owned(), sender);
        }
        last.1
    }
}

/// A word as a pattern that means only itself; names are compared in lower case.
fn literal(word: &str) -> String {
    let mut pattern = String::with_capacity(word.len());
    for letter in word.to_lowercase().chars() {
        if letter.is_ascii() && !letter.is_ascii_alphanumeric() && letter != ' ' {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROWSERS: [&str; 7] = [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 337.0.0.36.77",
        "Mozilla/5.0 (Linux; Android 10; CUBOT X30) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
        "MyShop/5.2 (iPhone; iOS 17.5; Scale/3.00)",
        "",
    ];
    const ROBOTS: [&str; 9] = [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Claude-User/1.0)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36",
        "Mozilla/5.0 (compatible; GoogleOther)",
        "facebookexternalhit/1.1",
        "python-requests/2.31",
        "curl/8.1",
        "AhrefsBot/7.0",
    ];

    #[test]
    fn crawlers_are_told_from_browsers() {
        let crawlers = Crawlers::new(&[]);
        for name in BROWSERS {
            assert!(!crawlers.is_crawler(name), "{name}");
        }
        for name in ROBOTS {
            assert!(crawlers.is_crawler(name), "{name}");
        }
    }

    #[test]
    fn the_shops_own_words_mean_themselves() {
        let crawlers = Crawlers::new(&["Price.Watch (v2)".to_owned(), " ".to_owned()]);
        assert!(crawlers.is_crawler("Mozilla/5.0 price.watch (V2) Gecko"));
        assert!(!crawlers.is_crawler("Mozilla/5.0 priceXwatch (v2) Gecko"));
        assert!(!crawlers.is_crawler(BROWSERS[0]));
    }
}
