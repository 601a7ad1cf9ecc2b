// SPDX-License-Identifier: Apache-2.0
// jsse_peer.java - Java as a server and a client of an API over TLS, with the JSSE that comes with it:
// java jsse_peer.java
//
//   server PORT P12                 what is posted comes back; writes "METHOD status" a request
//   client URL BODIES FROM TO       posts BODIES/FROM.json to TO - 1 over one connection that is kept;
//                                   writes "sent N"
// P12 has no password but "password". Certificates are not checked. Exit status 1 if an answer was not 200 and the body.
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.FileInputStream;
import java.net.InetSocketAddress;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.concurrent.Executors;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

class JssePeer {
	static final char[] PASSWORD = "password".toCharArray();

	static final X509TrustManager anybody = new X509TrustManager() {
		public void checkClientTrusted(X509Certificate[] chain, String type) { }
		public void checkServerTrusted(X509Certificate[] chain, String type) { }
		public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
	};

	static SSLContext context(String p12) throws Exception {
		SSLContext c = SSLContext.getInstance("TLS");
		KeyManagerFactory keys = null;

		if (p12 != null) {
			KeyStore store = KeyStore.getInstance("PKCS12");

			store.load(new FileInputStream(p12), PASSWORD);
			keys = KeyManagerFactory.getInstance("SunX509");
			keys.init(store, PASSWORD);
		}
		c.init(keys == null ? null : keys.getKeyManagers(), new TrustManager[] { anybody }, null);
		return c;
	}

	static void server(int port, String p12) throws Exception {
		HttpsServer s = HttpsServer.create(new InetSocketAddress("127.0.0.1", port), 16);

		s.setHttpsConfigurator(new HttpsConfigurator(context(p12)));
		s.setExecutor(Executors.newFixedThreadPool(2));
		s.createContext("/", exchange -> {
			byte[] body = exchange.getRequestBody().readAllBytes();

			exchange.sendResponseHeaders(200, body.length);
			exchange.getResponseBody().write(body);
			exchange.close();
			System.out.println(exchange.getRequestMethod() + " 200");
		});
		s.start();
	}

	static void client(String url, String bodies, int from, int to) throws Exception {
		HttpsURLConnection.setDefaultSSLSocketFactory(context(null).getSocketFactory());
		for (int i = from; i < to; i++) {
			HttpsURLConnection c = (HttpsURLConnection) new URL(url).openConnection();
			byte[] body = Files.readAllBytes(Path.of(bodies, i + ".json"));

			c.setHostnameVerifier((host, session) -> true);
			c.setRequestMethod("POST");
			c.setDoOutput(true);
			c.setRequestProperty("Content-Type", "application/json");
			c.getOutputStream().write(body);
			if (c.getResponseCode() != 200 || c.getInputStream().readAllBytes().length == 0)
				System.exit(1);
		}
		System.out.println("sent " + (to - from));
	}

	public static void main(String[] a) throws Exception {
		if (a[0].equals("server"))
			server(Integer.parseInt(a[1]), a[2]);
		else
			client(a[1], a[2], Integer.parseInt(a[3]), Integer.parseInt(a[4]));
	}
}
