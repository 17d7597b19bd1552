"""GitHub, by its REST API and one question in GraphQL.

The token goes to the origin of the API and nowhere else: a redirect or a further page that leads away from there is
not followed, and a job's log, which GitHub keeps elsewhere, is fetched by a client that does not have it. What comes
back is data that nobody vouches for: its size, its form, the time it takes and the number of questions are bounded.
"""
