//! A headless Chromium, driven through `ChromeDriver` (W3C `WebDriver`, "Endpoints").

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The member under which an element's reference stands (W3C `WebDriver`, "Elements").
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One browser with a profile of its own; ended when dropped.
pub(crate) struct Browser {
    driver: Child,
    session: String,
    http: reqwest::Client,
    _profile: TempDir,
}

impl Browser {
    /// Starts `ChromeDriver` on a free port, and a browser.
    pub(crate) async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut driver = Command::new("chromedriver")
            .args(["--port=0", "--allowed-origins=*"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver is installed");
        let stdout = BufReader::new(driver.stdout.take().expect("a pipe"));
        let mut lines = stdout.lines();
        let port: u16 = lines
            .by_ref()
            .map_while(Result::ok)
            .filter_map(|line| {
                let port = line.split("on port ").nth(1)?;
                port.trim_end_matches('.').parse().ok()
            })
            // The first line repeats the port that was asked for.
            .find(|port: &u16| *port != 0)
            .expect("chromedriver tells its port");
        // Nobody reads on: the pipe must not fill up.
        std::thread::spawn(move || lines.for_each(drop));
        let profile = TempDir::new().expect("a temporary folder");
        let arguments = [
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--window-size=900,700".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
        } } });
        let root = format!("http://127.0.0.1:{port}/session");
        let answer = post(&http, &root, &wanted).await;
        let id = answer["sessionId"].as_str().expect("a session").to_owned();
        Self {
            driver,
            session: format!("{root}/{id}"),
            http,
            _profile: profile,
        }
    }

    /// Opens an address and waits for the page.
    pub(crate) async fn open(&self, url: &str) {
        self.post("url", &json!({ "url": url })).await;
    }

    /// The address of the page.
    pub(crate) async fn url(&self) -> String {
        self.get("url")
            .await
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// All the text of the page.
    pub(crate) async fn text(&self) -> String {
        let body = self.element("body").await;
        let text = self.get(&format!("element/{body}/text")).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Types into the field that a CSS selector finds.
    pub(crate) async fn type_into(&self, selector: &str, text: &str) {
        let field = self.element(selector).await;
        let path = format!("element/{field}/value");
        self.post(&path, &json!({ "text": text })).await;
    }

    /// Clicks what a CSS selector finds.
    pub(crate) async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.post(&format!("element/{element}/click"), &json!({}))
            .await;
    }

    /// Waits until the page's text holds `part`.
    pub(crate) async fn wait_for(&self, part: &str) -> String {
        for _ in 0..100 {
            let text = self.text().await;
            if text.contains(part) {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!(
            "`{part}` never came: {} shows {}",
            self.url().await,
            self.text().await
        )
    }

    /// Keeps a picture of the page where `BRIDGED_SCREENSHOTS` names a folder.
    pub(crate) async fn picture(&self, name: &str) {
        if let Some(folder) = std::env::var_os("BRIDGED_SCREENSHOTS") {
            let picture = self.get("screenshot").await;
            let picture = STANDARD
                .decode(picture.as_str().unwrap_or_default())
                .expect("base64");
            let path = std::path::Path::new(&folder).join(format!("{name}.png"));
            std::fs::write(path, picture).expect("a picture");
        }
    }

    /// What a script in the page returns.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
            .await
    }

    /// Ends the browser.
    pub(crate) async fn quit(self) {
        let ended = self.http.delete(&self.session).send().await;
        ended.expect("chromedriver answers");
    }

    async fn element(&self, selector: &str) -> String {
        let by = json!({ "using": "css selector", "value": selector });
        let found = self.post("element", &by).await;
        let id = found[ELEMENT].as_str();
        id.unwrap_or_else(|| panic!("nothing is `{selector}`: {found}"))
            .to_owned()
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}/{path}", self.session);
        let answer = self
            .http
            .get(url)
            .send()
            .await
            .expect("chromedriver answers");
        value(answer).await
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        post(&self.http, &format!("{}/{path}", self.session), body).await
    }
}

async fn post(http: &reqwest::Client, url: &str, body: &Value) -> Value {
    let answer = http
        .post(url)
        .json(body)
        .send()
        .await
        .expect("chromedriver answers");
    value(answer).await
}

async fn value(answer: reqwest::Response) -> Value {
    let mut answer: Value = answer.json().await.expect("JSON");
    answer["value"].take()
}

impl Drop for Browser {
    fn drop(&mut self) {
        // SIGTERM lets ChromeDriver end its browser; the kill behind it is for one that does not listen.
        let pid = self.driver.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        for _ in 0..50 {
            if matches!(self.driver.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
