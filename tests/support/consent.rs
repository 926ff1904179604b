//! A browser without a screen: walks the sandbox's log-in and consent pages as a person would.

use std::collections::BTreeMap;

use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};

/// A browser with one cookie jar for one host.
pub(crate) struct Browser {
    http: Client,
    cookie: Option<String>,
}

/// A page or a redirect, as it arrived.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    /// Where it leads, if it is a redirect.
    pub(crate) location: Option<String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) html: String,
    /// The address of the page.
    url: String,
}

impl Browser {
    /// A browser that was never used. It follows no redirects.
    pub(crate) fn new() -> Self {
        // Another test may have installed one already.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        Self {
            http: Client::builder()
                .redirect(redirect::Policy::none())
                .build()
                .unwrap(),
            cookie: None,
        }
    }

    /// The value of its cookie.
    pub(crate) fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// Takes a cookie over that it did not get from the sandbox.
    pub(crate) fn set_cookie(&mut self, cookie: &str) {
        self.cookie = Some(cookie.to_owned());
    }

    /// Opens an address.
    pub(crate) async fn open(&mut self, url: &str) -> Page {
        self.send(self.http.get(url), url).await
    }

    /// Sends the form of a page with these fields, its hidden ones among them.
    pub(crate) async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let mut all = vec![("form_token", page.form_token())];
        all.extend(
            fields
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        self.post(&page.action(), &all).await
    }

    /// Posts a form to an address.
    pub(crate) async fn post(&mut self, url: &str, fields: &[(&str, String)]) -> Page {
        self.send(self.http.post(url).form(fields), url).await
    }

    async fn send(&mut self, request: RequestBuilder, url: &str) -> Page {
        let request = match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        };
        let page = Page::of(request.send().await.unwrap(), url).await;
        if let Some(cookie) = page.headers.get("set-cookie") {
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        page
    }

    /// Logs in and allows; returns the address that the browser is sent to.
    pub(crate) async fn approve(&mut self, url: &str, username: &str, password: &str) -> String {
        let mut page = self.open(url).await;
        if page.is_log_in() {
            let fields = [("username", username), ("password", password)];
            page = self.submit(&page, &fields).await;
        }
        if page.is_consent() {
            page = self.submit(&page, &[("decision", "allow")]).await;
        }
        page.location
            .clone()
            .unwrap_or_else(|| panic!("no redirect: {} {}", page.status, page.html))
    }
}

impl Page {
    async fn of(response: Response, url: &str) -> Self {
        let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
        let headers: BTreeMap<String, String> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect();
        Self {
            status: response.status(),
            location: headers.get("location").cloned(),
            headers,
            html: response.text().await.unwrap(),
            url: url.to_owned(),
        }
    }

    /// Whether it asks for a user name and a password.
    pub(crate) fn is_log_in(&self) -> bool {
        self.html.contains("id=\"password\"")
    }

    /// Whether it asks to allow or deny.
    pub(crate) fn is_consent(&self) -> bool {
        self.html.contains("id=\"oaapprove\"")
    }

    /// The text of the element with an id, as it stands in the HTML.
    pub(crate) fn element(&self, id: &str) -> Option<&str> {
        let (_, rest) = self.html.split_once(&format!("id=\"{id}\""))?;
        let (_, rest) = rest.split_once('>')?;
        rest.split('<').next()
    }

    /// The token that its form carries.
    pub(crate) fn form_token(&self) -> String {
        let (_, rest) = self
            .html
            .split_once("name=\"form_token\" value=\"")
            .unwrap_or_else(|| panic!("no form: {}", self.html));
        unescape(rest.split('"').next().unwrap())
    }

    fn action(&self) -> String {
        let (_, rest) = self.html.split_once("action=\"").unwrap();
        let action = unescape(rest.split('"').next().unwrap());
        url::Url::parse(&self.url)
            .unwrap()
            .join(&action)
            .unwrap()
            .into()
    }

    /// The parameters of the address that it leads to.
    pub(crate) fn returned(&self) -> BTreeMap<String, String> {
        returned(
            self.location
                .as_deref()
                .unwrap_or_else(|| panic!("no redirect: {}", self.html)),
        )
    }
}

/// The parameters of an address.
pub(crate) fn returned(location: &str) -> BTreeMap<String, String> {
    let url = url::Url::parse(location).unwrap();
    url.query_pairs().into_owned().collect()
}

fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}
