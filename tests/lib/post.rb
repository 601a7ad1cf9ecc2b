# SPDX-License-Identifier: Apache-2.0
# post.rb URL BODIES FROM TO - Ruby as a client: posts BODIES/FROM.json to TO - 1, the first
# quarter over a connection each, the rest over one. Exit status 1 if an answer was not 200.
require 'net/http'
require 'openssl'

url = URI(ARGV[0])
numbers = (ARGV[2].to_i...ARGV[3].to_i).to_a
options = { use_ssl: true, verify_mode: OpenSSL::SSL::VERIFY_NONE }
post = lambda do |http, i|
	answer = http.post(url.path, File.read("#{ARGV[1]}/#{i}.json"), 'Content-Type' => 'application/json')
	abort "post.rb: status #{answer.code}" unless answer.code == '200'
end
single, kept = numbers.partition { |i| i < numbers.first + numbers.size / 4 }
single.each { |i| Net::HTTP.start(url.host, url.port, options) { |http| post.call(http, i) } }
Net::HTTP.start(url.host, url.port, options) { |http| kept.each { |i| post.call(http, i) } }
