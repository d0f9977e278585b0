-- wrk's script: requests at random from the file in WRK_REQUESTS, and the sums of the run as one line of JSON.
local made = {}

function init(args)
  math.randomseed(os.time())
  for line in io.lines(os.getenv("WRK_REQUESTS")) do
    local path, address, agent = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
    made[#made + 1] = wrk.format("GET", path, {
      ["Host"] = wrk.host .. ":" .. wrk.port,
      ["User-Agent"] = agent,
      ["X-Forwarded-For"] = address,
      ["Accept"] = "image/avif,image/webp,*/*",
      ["Accept-Encoding"] = "gzip, deflate",
    })
  end
end

function request()
  return made[math.random(#made)]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"seconds": %f, "answered": %d, "refused": %d, "broken": %d, "p50": %f, "p99": %f, "p999": %f, "worst": %f}\n',
    summary.duration / 1e6, summary.requests, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e6, latency:percentile(99) / 1e6, latency:percentile(99.9) / 1e6, latency.max / 1e6))
end
